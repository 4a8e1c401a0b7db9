package hpack

import (
	"encoding/hex"
	"slices"
	"strings"
	"testing"
)

// unhex reads bytes as the RFC prints them.
func unhex(t testing.TB, s string) []byte {
	t.Helper()
	b, err := hex.DecodeString(strings.Join(strings.Fields(s), ""))
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// exchanged is a block of the RFC's examples: its bytes, what it means, and the size of the table behind it.
type exchanged struct {
	wire   string
	fields []pair
	table  []pair // the newest first
	size   int
}

// The requests and responses of RFC 7541, appendix C.3 to C.6.
var (
	exampleRequests = [3][]pair{
		{{":method", "GET"}, {":scheme", "http"}, {":path", "/"}, {":authority", "www.example.com"}},
		{{":method", "GET"}, {":scheme", "http"}, {":path", "/"}, {":authority", "www.example.com"}, {"cache-control", "no-cache"}},
		{{":method", "GET"}, {":scheme", "https"}, {":path", "/index.html"}, {":authority", "www.example.com"}, {"custom-key", "custom-value"}},
	}
	exampleResponses = [3][]pair{
		{{":status", "302"}, {"cache-control", "private"}, {"date", "Mon, 21 Oct 2013 20:13:21 GMT"}, {"location", "https://www.example.com"}},
		{{":status", "307"}, {"cache-control", "private"}, {"date", "Mon, 21 Oct 2013 20:13:21 GMT"}, {"location", "https://www.example.com"}},
		{
			{":status", "200"},
			{"cache-control", "private"},
			{"date", "Mon, 21 Oct 2013 20:13:22 GMT"},
			{"location", "https://www.example.com"},
			{"content-encoding", "gzip"},
			{"set-cookie", "foo=ASDJKHQKBZXOQWEOPIUAXQWEOIU; max-age=3600; version=1"},
		},
	}
	requestTables = [3][]pair{
		{{":authority", "www.example.com"}},
		{{"cache-control", "no-cache"}, {":authority", "www.example.com"}},
		{{"custom-key", "custom-value"}, {"cache-control", "no-cache"}, {":authority", "www.example.com"}},
	}
	responseTables = [3][]pair{
		{{"location", "https://www.example.com"}, {"date", "Mon, 21 Oct 2013 20:13:21 GMT"}, {"cache-control", "private"}, {":status", "302"}},
		{{":status", "307"}, {"location", "https://www.example.com"}, {"date", "Mon, 21 Oct 2013 20:13:21 GMT"}, {"cache-control", "private"}},
		{{"set-cookie", "foo=ASDJKHQKBZXOQWEOPIUAXQWEOIU; max-age=3600; version=1"}, {"content-encoding", "gzip"}, {"date", "Mon, 21 Oct 2013 20:13:22 GMT"}},
	}
)

func TestAppendixC(t *testing.T) {
	for _, tt := range []struct {
		name      string
		tableSize int
		blocks    []exchanged
	}{
		{"C.2.1 literal with indexing", 4096, []exchanged{{
			"400a 6375 7374 6f6d 2d6b 6579 0d63 7573 746f 6d2d 6865 6164 6572",
			[]pair{{"custom-key", "custom-header"}},
			[]pair{{"custom-key", "custom-header"}},
			55,
		}}},
		{"C.2.2 literal without indexing", 4096, []exchanged{{
			"040c 2f73 616d 706c 652f 7061 7468", []pair{{":path", "/sample/path"}}, nil, 0,
		}}},
		{"C.2.3 literal never indexed", 4096, []exchanged{{
			"1008 7061 7373 776f 7264 0673 6563 7265 74", []pair{{"password", "secret"}}, nil, 0,
		}}},
		{"C.2.4 indexed", 4096, []exchanged{{"82", []pair{{":method", "GET"}}, nil, 0}}},
		{"C.3 requests without Huffman", 4096, []exchanged{
			{"8286 8441 0f77 7777 2e65 7861 6d70 6c65 2e63 6f6d", exampleRequests[0], requestTables[0], 57},
			{"8286 84be 5808 6e6f 2d63 6163 6865", exampleRequests[1], requestTables[1], 110},
			{"8287 85bf 400a 6375 7374 6f6d 2d6b 6579 0c63 7573 746f 6d2d 7661 6c75 65", exampleRequests[2], requestTables[2], 164},
		}},
		{"C.4 requests with Huffman", 4096, []exchanged{
			{"8286 8441 8cf1 e3c2 e5f2 3a6b a0ab 90f4 ff", exampleRequests[0], requestTables[0], 57},
			{"8286 84be 5886 a8eb 1064 9cbf", exampleRequests[1], requestTables[1], 110},
			{"8287 85bf 4088 25a8 49e9 5ba9 7d7f 8925 a849 e95b b8e8 b4bf", exampleRequests[2], requestTables[2], 164},
		}},
		{"C.5 responses without Huffman", 256, []exchanged{
			{
				"4803 3330 3258 0770 7269 7661 7465 611d 4d6f 6e2c 2032 3120 4f63 7420 3230 3133 2032 303a 3133 3a32 3120 474d 546e 1768 7474 7073 3a2f 2f77 7777 2e65 7861 6d70 6c65 2e63 6f6d",
				exampleResponses[0], responseTables[0], 222,
			},
			{"4803 3330 37c1 c0bf", exampleResponses[1], responseTables[1], 222},
			{
				"88c1 611d 4d6f 6e2c 2032 3120 4f63 7420 3230 3133 2032 303a 3133 3a32 3220 474d 54c0 5a04 677a 6970 7738 666f 6f3d 4153 444a 4b48 514b 425a 584f 5157 454f 5049 5541 5851 5745 4f49 553b 206d 6178 2d61 6765 3d33 3630 303b 2076 6572 7369 6f6e 3d31",
				exampleResponses[2], responseTables[2], 215,
			},
		}},
		{"C.6 responses with Huffman", 256, []exchanged{
			{
				"4882 6402 5885 aec3 771a 4b61 96d0 7abe 9410 54d4 44a8 2005 9504 0b81 66e0 82a6 2d1b ff6e 919d 29ad 1718 63c7 8f0b 97c8 e9ae 82ae 43d3",
				exampleResponses[0], responseTables[0], 222,
			},
			{"4883 640e ffc1 c0bf", exampleResponses[1], responseTables[1], 222},
			{
				"88c1 6196 d07a be94 1054 d444 a820 0595 040b 8166 e084 a62d 1bff c05a 839b d9ab 77ad 94e7 821d d7f2 e6c7 b335 dfdf cd5b 3960 d5af 2708 7f36 72c1 ab27 0fb5 291f 9587 3160 65c0 03ed 4ee5 b106 3d50 07",
				exampleResponses[2], responseTables[2], 215,
			},
		}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			d := NewDecoder(tt.tableSize)
			for i, block := range tt.blocks {
				if fields := mustDecode(t, d, unhex(t, block.wire)); !slices.Equal(fields, block.fields) {
					t.Errorf("block %d means %q, want %q", i+1, fields, block.fields)
				}
				if got := contents(d); !slices.Equal(got, block.table) {
					t.Errorf("behind block %d the table holds %q, want %q", i+1, got, block.table)
				}
				if d.table.size != block.size {
					t.Errorf("behind block %d the table has the size %d, want %d", i+1, d.table.size, block.size)
				}
			}
		})
	}
}

// contents is what a decoder's table holds, the newest first.
func contents(d *Decoder) (fields []pair) {
	for i := range d.table.count {
		place := d.table.place(i)
		f := Field{Facts: d.table.facts[place], Line: d.table.line(place)}
		fields = append(fields, pair{string(f.Name()), string(f.Value())})
	}
	return fields
}

func TestNeverIndexedIsKept(t *testing.T) {
	var f Field
	d := NewDecoder(DefaultTableSize)
	for _, tt := range []struct {
		wire string
		want bool
	}{
		{"1008 7061 7373 776f 7264 0673 6563 7265 74", true},
		{"0008 7061 7373 776f 7264 0673 6563 7265 74", false},
		{"4008 7061 7373 776f 7264 0673 6563 7265 74", false},
		{"1e 0161", true}, // the name is indexed, the field is not
		{"be", false},
	} {
		d.Begin()
		if _, err := d.Next(unhex(t, tt.wire), &f); err != OK || f.NeverIndexed != tt.want {
			t.Errorf("%s: %v, %v", tt.wire, f.NeverIndexed, err)
		}
	}
}
