--- Tells the server what became of offers, and asks it for evidence. Draws nothing.
local client = require('plum.client')
local wire = require('plum.wire')

local M = {}

---@type table<string, true> Offers that were reported as drawn.
local shown = {}
---@type table<string, table> What `plum.explain` said, by offer.
local evidence = {}
local remembered_max = 64
local order = {}

local function remember(id)
  if not shown[id] then
    shown[id] = true
    order[#order + 1] = id
    while #order > remembered_max do
      local old = table.remove(order, 1)
      shown[old], evidence[old] = nil, nil
    end
  end
end

---@param bufnr integer
---@param name 'plum.accept'|'plum.reject'|'plum.close'|'plum.explain'|'plum.trust'
---@param arguments string[]
---@param done? fun(result: table?)
local function run(bufnr, name, arguments, done)
  local server = client.of(bufnr)
  if not server then
    if done then
      done(nil)
    end
    return
  end
  -- A request with a buffer sends the edits before it that are still waiting, so the order is the user's.
  server:request('workspace/executeCommand', wire.command(name, unpack(arguments)), function(_, result)
    if done then
      done(type(result) == 'table' and result or nil)
    end
  end, bufnr)
end

--- An item is drawn: say so once, and fetch its evidence.
---@param bufnr integer
---@param item table
---@param on_evidence fun(evidence: table)
function M.drawn(bufnr, item, on_evidence)
  local id, server = wire.offer_id(item), client.of(bufnr)
  if not id or not server or shown[id] then
    return
  end
  remember(id)
  server:notify('textDocument/didShowCompletion', wire.shown(item))
  run(bufnr, 'plum.explain', { id }, function(result)
    if result and result.kind == 'offer' then
      evidence[id] = result
      on_evidence(result)
    end
  end)
end

--- There is new evidence for an offer, which is drawn by the time the server reads this.
---@param item table
---@param explanation table What `plum.explain` would say.
function M.relabelled(bufnr, item, explanation)
  evidence[wire.offer_id(item)] = explanation
  local server = client.of(bufnr)
  if server then
    server:notify('textDocument/didShowCompletion', wire.shown(item, explanation.tier))
  end
end

--- An item was inserted as a whole.
function M.accepted(bufnr, item)
  run(bufnr, 'plum.accept', { wire.offer_id(item) })
end

--- The first `bytes` bytes of an item were inserted.
function M.partly_accepted(bufnr, item, bytes)
  local server = client.of(bufnr)
  if server then
    server:notify('textDocument/didPartiallyAcceptCompletion', wire.partly_accepted(item, bytes))
  end
end

--- An item was closed, which is no judgement.
function M.dismissed(bufnr, item)
  run(bufnr, 'plum.close', { wire.offer_id(item) })
end

--- The user said that an item is not wanted.
---@param reason? string
function M.rejected(bufnr, item, reason)
  local arguments = { wire.offer_id(item) }
  if reason and reason ~= '' then
    arguments[2] = reason
  end
  run(bufnr, 'plum.reject', arguments)
end

--- What is known about an item; nil until the server said so.
function M.evidence(item)
  return evidence[wire.offer_id(item) or '']
end

--- Trust the project of a buffer because the user said so.
---@param done fun(result: table?) `trusted` is the folder, or empty with a `problem`.
function M.trust(bufnr, done)
  run(bufnr, 'plum.trust', { vim.uri_from_bufnr(bufnr) }, done)
end

--- Ask why the last suggestion was made or not, or why this item was.
---@param done fun(result: table?)
function M.explain(bufnr, item, done)
  run(bufnr, 'plum.explain', item and { wire.offer_id(item) } or {}, done)
end

return M
