package peers

import (
	"fmt"
	"path/filepath"
)

func varnish() *Peer {
	return &Peer{
		Name:    "varnish",
		About:   "a cache: it passes /proxy/ and answers /fixed itself; files are not compared, it would serve them from its memory",
		Serves:  Fixed | Proxy | Closing,
		Find:    installed("varnishd", "varnish"),
		Version: firstLine("varnishd (", "-V"),
		Config:  "varnish.conf",
		Command: func(program, config string, site Site) []string {
			return []string{
				program, "-F", "-j", "none",
				"-n", filepath.Join(site.Scratch, "varnish"),
				"-f", config,
				"-a", fmt.Sprintf("127.0.0.1:%d,HTTP", site.Port),
				"-s", "malloc,64m",
				"-p", "timeout_idle=3600",
				"-p", "listen_depth=65535",
				"-p", "thread_pools=1",
				"-p", "thread_pool_min=100",
				"-p", "vsl_mask=-VCL_trace,-VCL_call,-VCL_return,-Timestamp,-Hash,-ReqHeader,-RespHeader,-BereqHeader,-BerespHeader",
			}
		},
	}
}
