package policy

import "github.com/anygate/anygate/policy/quantity"

// Log says which share of a route's exchanges the access log gets: log off, or log 1%.
type Log struct {
	// Share is 0 for off.
	Share quantity.Percent
}

var _ Policy = Log{}

// Name returns "log".
func (Log) Name() string { return "log" }

// Available says that this version logs each route as it is told.
func (Log) Available() bool { return true }

// Slot is the same for all.
func (Log) Slot() string { return "log" }

// String writes the canonical line.
func (l Log) String() string {
	if l.Share == 0 {
		return "log off"
	}
	return "log " + l.Share.String()
}

func parseLog(w *words) (Policy, *Error) {
	item, err := w.need("off or a percentage")
	if err != nil {
		return nil, err
	}
	if item.Text == "off" {
		return Log{}, nil
	}
	share, qerr := quantity.ParsePercent(item.Text)
	if qerr != nil {
		e := quantityError(item, qerr)
		e.Want = "off or " + qerr.Want
		if e.Suggest == "" {
			e.Suggest = suggest(item.Text, "off")
		}
		return nil, e
	}
	return Log{share}, nil
}
