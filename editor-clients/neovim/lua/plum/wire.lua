--- The messages a client sends, as docs/protocol.md has them. Compared with the golden messages by the tests.
local text = require('plum.text')

local M = {}

M.INLINE_COMPLETION = 'textDocument/inlineCompletion'
M.INVOKED = 1
M.AUTOMATIC = 2

--- What this client says of itself at the start.
---@return table
function M.capabilities()
  return {
    textDocument = { inlineCompletion = { dynamicRegistration = false } },
    experimental = { plum = { reportsShown = true, cycles = true, status = true, offerChanges = true } },
  }
end

--- The id of the offer an item stands for; nil for an item that is not ours.
---@param item table
---@return string?
function M.offer_id(item)
  local command = item and item.command
  return command and command.arguments and command.arguments[1]
end

--- Parameters of `textDocument/didShowCompletion`.
---@param item table
---@param tier? string The label that it is drawn with, where that has changed.
function M.shown(item, tier)
  return { item = item, tier = tier }
end

--- Parameters of `textDocument/didPartiallyAcceptCompletion`.
---@param item table
---@param bytes integer Of the plain text, counted from its start.
function M.partly_accepted(item, bytes)
  return { item = item, acceptedLength = text.utf16_length(item.insertText, bytes) }
end

--- Parameters of `workspace/executeCommand` for one of our commands.
---@param name 'plum.accept'|'plum.reject'|'plum.close'|'plum.explain'|'plum.trust'
---@param ... string
function M.command(name, ...)
  return { command = name, arguments = { ... } }
end

return M
