package proxy

import (
	"testing"
	"time"
)

func TestGRPC(t *testing.T) {
	for value, want := range map[string]bool{
		"application/grpc": true, "application/grpc+proto": true, "Application/GRPC; x": true, "application/grpc ;x": true,
		"application/grpc-web": false, "application/grpc-web+proto": false, "application/grp": false, "application/grpcx": false, "": false,
	} {
		a := mustAsk(t, "/", "http://10.0.0.1", "", "POST / HTTP/1.1\r\nHost: h\r\nContent-Type: "+value+"\r\n\r\n")
		if got := GRPC(&a.head); got != want {
			t.Errorf("%q: %t", value, got)
		}
	}
	if GRPC(&mustAsk(t, "/", "http://10.0.0.1", "", "POST / HTTP/1.1\r\nHost: h\r\n\r\n").head) {
		t.Error("a request without a type is taken for one of gRPC")
	}
}

func TestGRPCStatus(t *testing.T) {
	for lines, want := range map[string]int{
		"":                                     -1,
		"grpc-status: 0\r\n":                   0,
		"Grpc-Status:14\r\n":                   14,
		"a: 1\r\ngrpc-status: \t5 \r\nb: 2":    5,
		"grpc-status-x: 1\r\n":                 -1,
		"x-grpc-status: 1\r\n":                 -1,
		"grpc-status: x\r\n":                   -1,
		"grpc-status:\r\n":                     -1,
		"grpc-status: 123456\r\n":              1234,
		"grpc-message: grpc-status: 3\r\n":     -1,
		"grpc-status: 1\r\ngrpc-status: 2\r\n": 1,
	} {
		if got := GRPCStatus([]byte(lines)); got != want {
			t.Errorf("%q: %d, want %d", lines, got, want)
		}
	}
}

func TestGRPCTimeout(t *testing.T) {
	for value, want := range map[string]time.Duration{
		"1H": time.Hour, "2M": 2 * time.Minute, "3S": 3 * time.Second, "4m": 4 * time.Millisecond, "5u": 5 * time.Microsecond, "6n": 6,
		"99999999n": 99999999, "0S": 0, "99999999M": -1, "99999999H": -1, "8760H": 8760 * time.Hour, "8761H": -1,
		"": -1, "S": -1, "1": -1, "1s": -1, "-1S": -1, "1.5S": -1, "123456789S": -1, " 1S": -1,
	} {
		got, ok := grpcTimeout([]byte(value))
		if !ok {
			got = -1
		}
		if got != want {
			t.Errorf("%q: %v, want %v", value, got, want)
		}
	}
}
