package top

import (
	"errors"
	"io"
	"os"
	"strings"
	"time"

	tea "charm.land/bubbletea/v2"

	"github.com/anygate/anygate/control/admin"
)

// Options describe a Run.
type Options struct {
	// Ask asks how the process is.
	Ask func() (*admin.Status, error)
	// Every is how often.
	Every time.Duration
	// Stop ends it.
	Stop <-chan os.Signal
	// In and Out are the terminal, and Width and Height its size if it cannot be asked.
	In            io.Reader
	Out           io.Writer
	Width, Height int
}

// Run shows the process until it is told to stop.
func Run(o Options) error {
	m := &model{ask: o.Ask, every: o.Every, width: 80, height: 24}
	options := []tea.ProgramOption{tea.WithInput(o.In), tea.WithOutput(o.Out), tea.WithoutSignalHandler()}
	if o.Width > 0 {
		options = append(options, tea.WithWindowSize(o.Width, o.Height))
	}
	p := tea.NewProgram(m, options...)
	ended := make(chan struct{})
	defer close(ended)
	go func() {
		select {
		case <-o.Stop:
			p.Quit()
		case <-ended:
		}
	}()
	_, err := p.Run()
	if errors.Is(err, tea.ErrInterrupted) {
		return nil
	}
	return err
}

// model is what is shown.
type model struct {
	ask   func() (*admin.Status, error)
	every time.Duration

	screen        Screen
	err           error // of the last answer
	paused        bool
	first         int // line that is shown
	width, height int
}

// The messages of the program.
type (
	answered struct {
		status *admin.Status
		err    error
	}
	due struct{}
)

// Init asks for the first time.
func (m *model) Init() tea.Cmd { return m.asks }

func (m *model) asks() tea.Msg {
	st, err := m.ask()
	return answered{st, err}
}

// Update takes a message.
func (m *model) Update(msg tea.Msg) (tea.Model, tea.Cmd) {
	switch msg := msg.(type) {
	case tea.WindowSizeMsg:
		m.width, m.height = msg.Width, msg.Height
	case answered:
		if m.err = msg.err; msg.err == nil && !m.paused {
			m.screen.Before, m.screen.Now = m.screen.Now, msg.status
		}
		return m, tea.Tick(m.every, func(time.Time) tea.Msg { return due{} })
	case due:
		return m, m.asks
	case tea.KeyPressMsg:
		return m, m.key(msg.String())
	}
	return m, nil
}

func (m *model) key(key string) tea.Cmd {
	switch key {
	case "q", "esc", "ctrl+c":
		return tea.Quit
	case "s":
		m.screen.Order = (m.screen.Order + 1) % orders
	case "p", "space":
		m.paused = !m.paused
	case "down", "j":
		m.first++
	case "up", "k":
		m.first--
	case "pgdown":
		m.first += m.height - 2
	case "pgup":
		m.first -= m.height - 2
	case "home":
		m.first = 0
	}
	m.first = max(0, m.first)
	return nil
}

// View is the whole screen.
func (m *model) View() tea.View {
	v := tea.NewView(strings.Join(m.lines(), "\n"))
	v.AltScreen = true
	v.WindowTitle = "anygate top"
	return v
}

// lines are as many as the terminal has: what fits of the text, and below it what can be done.
func (m *model) lines() []string {
	var text []string
	switch {
	case m.screen.Now != nil:
		text = m.screen.Lines(m.width)
	case m.err == nil:
		text = []string{"asking"}
	}
	room := max(1, m.height-1)
	m.first = max(0, min(m.first, len(text)-room))
	text = text[m.first:]
	text = text[:min(len(text), room)]
	for len(text) < room {
		text = append(text, "")
	}
	foot := "q quit  s order: " + m.screen.Order.String() + "  p pause  ↑↓ scroll"
	if m.paused {
		foot += "  PAUSED"
	}
	if m.err != nil {
		foot = plain(m.err.Error())
	}
	return append(text, cut(foot, m.width))
}
