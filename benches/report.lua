-- wrk's summary as one line of JSON. Times are in microseconds.
function done(summary, latency)
  local e = summary.errors
  print(string.format(
    '{"requests":%d,"micros":%d,"errors":%d,"p50":%d,"p99":%d}',
    summary.requests, summary.duration, e.connect + e.read + e.write + e.timeout + e.status,
    latency:percentile(50), latency:percentile(99)))
end
