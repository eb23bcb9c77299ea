-- Print the summary as one line of JSON: wrk's own text rounds, and changes units as it likes.
-- With nothing but `done`, wrk sends as it does without a script.
function done(summary, latency, requests)
  local errors = summary.errors
  io.write(string.format(
    '{"requests": %d, "microseconds": %d, "p50": %d, "p99": %d, "status": %d, "socket": %d}\n',
    summary.requests, summary.duration, latency:percentile(50), latency:percentile(99),
    errors.status, errors.connect + errors.read + errors.write + errors.timeout))
end

-- A request with a body comes whole from a file, head and all: wrk would give it a length.
local whole = os.getenv("BENCH_REQUEST")
if whole then
  local file = assert(io.open(whole, "rb"))
  local request = file:read("*a")
  file:close()
  -- Taken once, as there is no function `request`: nothing is done for each.
  function wrk.init()
    wrk.request = function() return request end
  end
end
