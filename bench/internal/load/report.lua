-- Prints wrk's figures as one line of JSON, for the benchmark to read.
done = function(summary, latency, requests)
  local errors = summary.errors
  io.write(string.format(
    '\n@figures {"requests":%d,"bytes":%d,"microseconds":%d,' ..
    '"p50":%.1f,"p90":%.1f,"p99":%.1f,"p999":%.1f,"max":%.1f,' ..
    '"connect":%d,"read":%d,"write":%d,"status":%d,"timeout":%d}\n',
    summary.requests, summary.bytes, summary.duration,
    latency:percentile(50), latency:percentile(90), latency:percentile(99), latency:percentile(99.9), latency.max,
    errors.connect, errors.read, errors.write, errors.status, errors.timeout))
end
