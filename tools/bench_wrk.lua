-- SPDX-License-Identifier: MIT
-- For wrk: sends the ready-made requests of a file (see deliveries.py) one after the other, from the start again when
-- all are sent, and prints what came of it as one line of JSON. Signing here would measure Lua.

local requests = {}
local sent = 0

function init(arguments)
    local file = assert(io.open(arguments[1], "rb"))
    while true do
        local size = file:read(8)
        if not size then
            break
        end
        requests[#requests + 1] = file:read(tonumber(size, 16))
    end
    file:close()
end

function request()
    sent = sent + 1
    return requests[(sent - 1) % #requests + 1]
end

function done(summary, latency)
    local errors = summary.errors
    io.write(string.format(
        'RESULT {"answers": %d, "seconds": %.6f, "refused": %d, "broken": %d, "p50_ms": %.3f, "p99_ms": %.3f}\n',
        summary.requests, summary.duration / 1e6, errors.status,
        errors.connect + errors.read + errors.write + errors.timeout,
        latency:percentile(50) / 1e3, latency:percentile(99) / 1e3))
end
