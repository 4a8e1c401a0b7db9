package document

// Value is what stands behind a key: Text, Word, List, Map, Shared or Again.
type Value interface {
	// flow writes the value on one line.
	flow(b *writer)
}

// Text is a string; it is quoted where YAML or AnyGate would take it for something else.
type Text string

// Word is a number, a switch or a name that needs no quotes.
type Word string

// List is a sequence.
type List []Value

// Map is a mapping whose entries keep their order.
type Map []Entry

// Shared is a mapping that Again stands for in other places.
type Shared struct {
	Name string
	Map  Map
}

// Again stands for the Shared of its name.
type Again string

// Entry is a key with its value.
type Entry struct {
	Key   string
	Value Value
	// Above are lines of comment before the entry, Beside one behind it.
	Above  []string
	Beside string
	// Quoted has the key in double quotes, as heads of routes are.
	Quoted bool
	// Open has a value of several lines even where one would do.
	Open bool
}

// Texts makes a list of strings.
func Texts(items ...string) List {
	list := make(List, len(items))
	for i, s := range items {
		list[i] = Text(s)
	}
	return list
}

// OneOrMore is the string alone, or the list of several.
func OneOrMore(items []string) Value {
	if len(items) == 1 {
		return Text(items[0])
	}
	return Texts(items...)
}

// Add appends an entry without a comment.
func (m *Map) Add(key string, v Value) { *m = append(*m, Entry{Key: key, Value: v}) }

// Get returns the value of a key, or nil.
func (m Map) Get(key string) Value {
	for _, e := range m {
		if e.Key == key {
			return e.Value
		}
	}
	return nil
}
