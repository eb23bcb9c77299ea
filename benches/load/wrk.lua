-- Print the summary as one line of JSON: wrk's own text rounds, and changes units as it likes.
-- A script with nothing but `done` leaves wrk's way of sending as it is without a script.
function done(summary, latency, requests)
  local errors = summary.errors
  io.write(string.format(
    '{"requests": %d, "microseconds": %d, "p50": %d, "p99": %d, "status": %d, "socket": %d}\n',
    summary.requests, summary.duration, latency:percentile(50), latency:percentile(99),
    errors.status, errors.connect + errors.read + errors.write + errors.timeout))
end
