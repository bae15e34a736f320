-- For wrk: every answer must be 200 with the body that is expected; says how many were not.
local threads = {}
function setup(thread) table.insert(threads, thread) end
function init(args) wrong = 0; right = 0 end
function response(status, headers, body)
  if status == 200 and body == "Hello, World!" then right = right + 1 else wrong = wrong + 1 end
end
function done(summary, latency, requests)
  local r, w = 0, 0
  for _, t in ipairs(threads) do r = r + t:get("right"); w = w + t:get("wrong") end
  io.write(string.format("right %d wrong %d\n", r, w))
end
