package chart

import (
	"bytes"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	monitoringv1 "github.com/prometheus-operator/prometheus-operator/pkg/apis/monitoring/v1"
	"helm.sh/helm/v3/pkg/chart"
	"helm.sh/helm/v3/pkg/chart/loader"
	"helm.sh/helm/v3/pkg/chartutil"
	"helm.sh/helm/v3/pkg/engine"
	"helm.sh/helm/v3/pkg/lint"
	"helm.sh/helm/v3/pkg/lint/support"
	appsv1 "k8s.io/api/apps/v1"
	autoscalingv2 "k8s.io/api/autoscaling/v2"
	corev1 "k8s.io/api/core/v1"
	networkingv1 "k8s.io/api/networking/v1"
	policyv1 "k8s.io/api/policy/v1"
	"sigs.k8s.io/yaml"
)

const dir = "../../deploy/helm/anygate"

// values reads a file of values, none for "".
func values(t *testing.T, name string) map[string]any {
	t.Helper()
	if name == "" {
		return map[string]any{}
	}
	v, err := chartutil.ReadValuesFile(filepath.Join(dir, "ci", name))
	if err != nil {
		t.Fatal(err)
	}
	return v
}

// TestLint wants nothing to be said of the chart, with its own values and with all that there are.
func TestLint(t *testing.T) {
	for _, name := range []string{"", "full-values.yaml"} {
		l := lint.All(dir, values(t, name), "default", true)
		for _, m := range l.Messages {
			if m.Severity > support.InfoSev {
				t.Errorf("%s: %s", name, m)
			}
		}
	}
}

func load(t *testing.T) *chart.Chart {
	t.Helper()
	c, err := loader.Load(dir)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// objects are what a chart makes, by their kinds.
type objects struct {
	deployment *appsv1.Deployment
	service    *corev1.Service
	config     *corev1.ConfigMap
	account    *corev1.ServiceAccount
	hpa        *autoscalingv2.HorizontalPodAutoscaler
	pdb        *policyv1.PodDisruptionBudget
	network    *networkingv1.NetworkPolicy
	monitor    *monitoringv1.PodMonitor
	test       *corev1.Pod
	notes      string
}

// rendered are the files that templates make.
func rendered(t *testing.T, v map[string]any) (map[string]string, error) {
	t.Helper()
	c := load(t)
	all, err := chartutil.ToRenderValues(c, v, chartutil.ReleaseOptions{Name: "edge", Namespace: "default", Revision: 1, IsInstall: true}, nil)
	if err != nil {
		t.Fatal(err)
	}
	return engine.Engine{Strict: true}.Render(c, all)
}

// render renders the chart, and reads what comes out as Kubernetes would, but for keys that it does not know: they are
// errors.
func render(t *testing.T, v map[string]any) (o objects) {
	t.Helper()
	files, err := rendered(t, v)
	if err != nil {
		t.Fatal(err)
	}
	into := map[string]func() any{
		"Deployment":              func() any { o.deployment = &appsv1.Deployment{}; return o.deployment },
		"Service":                 func() any { o.service = &corev1.Service{}; return o.service },
		"ConfigMap":               func() any { o.config = &corev1.ConfigMap{}; return o.config },
		"ServiceAccount":          func() any { o.account = &corev1.ServiceAccount{}; return o.account },
		"HorizontalPodAutoscaler": func() any { o.hpa = &autoscalingv2.HorizontalPodAutoscaler{}; return o.hpa },
		"PodDisruptionBudget":     func() any { o.pdb = &policyv1.PodDisruptionBudget{}; return o.pdb },
		"NetworkPolicy":           func() any { o.network = &networkingv1.NetworkPolicy{}; return o.network },
		"PodMonitor":              func() any { o.monitor = &monitoringv1.PodMonitor{}; return o.monitor },
		"Pod":                     func() any { o.test = &corev1.Pod{}; return o.test },
	}
	for name, text := range files {
		if strings.HasSuffix(name, "NOTES.txt") {
			o.notes = text
			continue
		}
		if len(bytes.TrimSpace([]byte(text))) == 0 {
			continue
		}
		var head struct{ Kind string }
		if err := yaml.Unmarshal([]byte(text), &head); err != nil {
			t.Fatalf("%s: %v\n%s", name, err, text)
		}
		if into[head.Kind] == nil {
			t.Fatalf("%s makes a %q", name, head.Kind)
		}
		if err := yaml.UnmarshalStrict([]byte(text), into[head.Kind]()); err != nil {
			t.Fatalf("%s: %v\n%s", name, err, text)
		}
	}
	return o
}

func TestOwnValues(t *testing.T) {
	o := render(t, values(t, ""))
	if o.hpa != nil || o.network != nil || o.monitor != nil || o.pdb == nil || o.account == nil || o.config == nil {
		t.Errorf("it makes %+v", o)
	}
	d := o.deployment.Spec
	pod := d.Template.Spec
	c := pod.Containers[0]
	switch {
	case *d.Replicas != 2, d.Strategy.RollingUpdate.MaxUnavailable.IntValue() != 0:
		t.Errorf("the deployment is %+v", d)
	case !*pod.SecurityContext.RunAsNonRoot, *pod.SecurityContext.RunAsUser != 65532, pod.SecurityContext.SeccompProfile.Type != corev1.SeccompProfileTypeRuntimeDefault:
		t.Errorf("the pod may %+v", pod.SecurityContext)
	case *c.SecurityContext.AllowPrivilegeEscalation, !*c.SecurityContext.ReadOnlyRootFilesystem, !slices.Equal(c.SecurityContext.Capabilities.Drop, []corev1.Capability{"ALL"}):
		t.Errorf("the container may %+v", c.SecurityContext)
	case *pod.AutomountServiceAccountToken, *o.account.AutomountServiceAccountToken:
		t.Error("a token of Kubernetes is mounted")
	case *pod.TerminationGracePeriodSeconds != 40, c.Lifecycle.PreStop.Sleep.Seconds != 5:
		t.Errorf("it is stopped within %d seconds", *pod.TerminationGracePeriodSeconds)
	case c.Image != "anygate:0.1.0", !slices.Contains(c.Args, "--watch"), len(d.Template.Annotations) != 0:
		t.Errorf("the container is %+v", c)
	case c.ReadinessProbe.HTTPGet.Path != "/healthz", c.ReadinessProbe.HTTPGet.Port.String() != "http", c.LivenessProbe.Exec == nil:
		t.Errorf("the probes are %+v", c.ReadinessProbe)
	}
	selects(t, o)
	if got := o.test.Spec.Containers[0].Args; !slices.Equal(got, []string{"health", "http://edge-anygate:80/healthz"}) {
		t.Errorf("the test asks %q", got)
	}
	if !strings.Contains(o.notes, "edge-anygate.default.svc") || !strings.Contains(o.notes, "epoll") {
		t.Errorf("the notes are %q", o.notes)
	}
	if !strings.Contains(o.config.Data["anygate.yml"], "\"GET /healthz\": OK") {
		t.Errorf("the configuration is %q", o.config.Data)
	}
}

// selects wants everything to mean the same pods.
func selects(t *testing.T, o objects) {
	t.Helper()
	labels := o.deployment.Spec.Template.Labels
	selectors := []map[string]string{o.deployment.Spec.Selector.MatchLabels, o.service.Spec.Selector, o.pdb.Spec.Selector.MatchLabels}
	if o.network != nil {
		selectors = append(selectors, o.network.Spec.PodSelector.MatchLabels)
	}
	for _, s := range o.deployment.Spec.Template.Spec.TopologySpreadConstraints {
		selectors = append(selectors, s.LabelSelector.MatchLabels)
	}
	if o.monitor != nil {
		selectors = append(selectors, o.monitor.Spec.Selector.MatchLabels)
	}
	for _, s := range selectors {
		if len(s) != 2 {
			t.Errorf("a selector is %v", s)
		}
		for k, v := range s {
			if labels[k] != v {
				t.Errorf("the pods have %v, and a selector wants %s=%s", labels, k, v)
			}
		}
		// A budget that finds a pod of no controller lets nobody drain a node, and a service would send it requests.
		if !slices.ContainsFunc(slices.Collect(maps.Keys(s)), func(k string) bool { return o.test.Labels[k] != s[k] }) {
			t.Errorf("the pod of the test has %v, and a selector finds it by %v", o.test.Labels, s)
		}
	}
}

func TestAllValues(t *testing.T) {
	o := render(t, values(t, "full-values.yaml"))
	d := o.deployment.Spec
	pod := d.Template.Spec
	c := pod.Containers[0]
	switch {
	case d.Replicas != nil, *o.hpa.Spec.MinReplicas != 3, o.hpa.Spec.MaxReplicas != 30, len(o.hpa.Spec.Metrics) != 2, o.hpa.Spec.ScaleTargetRef.Name != o.deployment.Name:
		t.Errorf("it scales by %+v", o.hpa)
	case *pod.SecurityContext.SeccompProfile.LocalhostProfile != "profiles/anygate.json", pod.SecurityContext.SeccompProfile.Type != corev1.SeccompProfileTypeLocalhost:
		t.Errorf("the profile is %+v", pod.SecurityContext.SeccompProfile)
	case len(c.Ports) != 3, len(o.service.Spec.Ports) != 2, o.service.Spec.Ports[1].NodePort != 30443, o.service.Spec.Ports[1].TargetPort.String() != "https":
		t.Errorf("the ports are %+v and %+v", c.Ports, o.service.Spec.Ports)
	case o.service.Spec.ExternalTrafficPolicy != corev1.ServiceExternalTrafficPolicyLocal, o.service.Spec.Type != corev1.ServiceTypeLoadBalancer:
		t.Errorf("the service is %+v", o.service.Spec)
	case slices.Contains(c.Args, "--watch"), d.Template.Annotations["checksum/config"] == "":
		t.Errorf("a new configuration is taken by %q, %v", c.Args, d.Template.Annotations)
	case pod.ServiceAccountName != "edge", o.account.Name != "edge":
		t.Errorf("the account is %s", pod.ServiceAccountName)
	case o.pdb.Spec.MaxUnavailable.StrVal != "25%":
		t.Errorf("the budget is %+v", o.pdb.Spec)
	case len(o.network.Spec.Egress) != 2, len(o.network.Spec.Ingress[0].Ports) != 2, o.network.Spec.Ingress[1].Ports[0].Port.IntValue() != 9100, len(o.network.Spec.Ingress[0].From) != 1:
		t.Errorf("the network is %+v", o.network.Spec)
	case c.ReadinessProbe.HTTPGet.Scheme != corev1.URISchemeHTTPS:
		t.Errorf("the probe is %+v", c.ReadinessProbe)
	}
	selects(t, o)
	scraped := o.monitor.Spec.PodMetricsEndpoints[0]
	if c.Ports[2].Name != *scraped.Port || c.Ports[2].ContainerPort != 9100 || scraped.Path != "/metrics" || scraped.Interval != "15s" ||
		scraped.Authorization.Credentials.Name != "admin" || o.monitor.Labels["release"] != "prometheus" {
		t.Errorf("it is scraped by %+v", o.monitor)
	}
	if again := render(t, map[string]any{"preStopSeconds": 0}).deployment.Spec.Template.Spec.Containers[0]; again.Lifecycle != nil {
		t.Errorf("Kubernetes refuses to sleep for no time: %+v", again.Lifecycle.PreStop)
	}
	if _, err := rendered(t, map[string]any{"metrics": map[string]any{"podMonitor": map[string]any{"enabled": true}}}); err == nil || !strings.Contains(err.Error(), "needs metrics.port") {
		t.Errorf("what is scraped without a port: %v", err)
	}
	mounted := map[string]bool{}
	for _, v := range pod.Volumes {
		mounted[v.Name] = true
	}
	for _, m := range c.VolumeMounts {
		if !mounted[m.Name] {
			t.Errorf("%s is mounted, and no volume", m.Name)
		}
	}
	if got := o.test.Spec.Containers[0].Args[1]; got != "https://edge-anygate:443/healthz" {
		t.Errorf("the test asks %s", got)
	}
	if again := render(t, map[string]any{"existingConfigMap": "mine"}); again.config != nil || again.deployment.Spec.Template.Spec.Volumes[0].ConfigMap.Name != "mine" {
		t.Error("a map that is there is not taken")
	}
}

// TestValuesAreRefused wants mistakes in values to be found.
func TestValuesAreRefused(t *testing.T) {
	for _, text := range []string{
		"replica: 3", "replicas: many", "reload: sometimes", "ports: []", "ports: [{name: http, containerPort: 80, servicePort: 80}]",
		"service: {type: ExternalName}", "image: {name: x}", "seccomp: {profile: x}", "metrics: {port: 80}", "metrics: {podMonitor: {interval: often}}",
	} {
		var v map[string]any
		if err := yaml.Unmarshal([]byte(text), &v); err != nil {
			t.Fatal(err)
		}
		if _, err := chartutil.ToRenderValues(load(t), v, chartutil.ReleaseOptions{Name: "edge"}, nil); err == nil {
			t.Errorf("%q is taken", text)
		}
	}
}

// TestVersions wants the chart to be that of the program.
func TestVersions(t *testing.T) {
	source, err := os.ReadFile("../../cmd/anygate/version.go")
	if err != nil {
		t.Fatal(err)
	}
	if want := "const versionNumber = \"" + load(t).AppVersion() + "\""; !strings.Contains(string(source), want) {
		t.Errorf("the program has no %s", want)
	}
}
