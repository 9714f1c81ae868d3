--- Tells the server of edits, in place of Neovim's own bookkeeping.
---
--- With each key Neovim compares the lines before with those after, and whoever types waits for it. Here a key only
--- widens the range of changed lines; what stands there is sent before anything else is, or after a short pause.
local M = {}

local pause_ms = 100
local endings = { unix = '\n', dos = '\r\n', mac = '\r' }

---@class plum.Unsent Lines from 0, ends exclusive.
---@field first integer
---@field known_last integer In the text the server knows.
---@field last integer In the buffer.

---@class plum.Open A document the server has open.
---@field bufnr integer
---@field uri string
---@field form string What else than its lines makes the text: 'fileformat' and 'endofline'.
---@field lines integer
---@field timer uv.uv_timer_t
---@field unsent? plum.Unsent

local function form(bufnr)
  return vim.bo[bufnr].fileformat .. (vim.bo[bufnr].endofline and '' or ', open')
end

--- Take one more edit, told as |nvim_buf_attach()| tells it.
---@param unsent? plum.Unsent
---@return plum.Unsent
local function widened(unsent, first, last, new_last)
  if not unsent then
    return { first = first, known_last = last, last = new_last }
  end
  unsent.known_last = unsent.known_last + math.max(0, last - unsent.last)
  unsent.last = math.max(unsent.last, last) + new_last - last
  unsent.first = math.min(unsent.first, first)
  return unsent
end

--- The edit as LSP has it; the whole text where line ends changed with it, or the last line has none.
---@param open plum.Open
local function change(open, unsent)
  local bufnr, now = open.bufnr, form(open.bufnr)
  local ending = endings[vim.bo[bufnr].fileformat]
  if now ~= open.form or not vim.bo[bufnr].endofline then
    open.form = now
    local lines = vim.api.nvim_buf_get_lines(bufnr, 0, -1, true)
    return { text = table.concat(lines, ending) .. (vim.bo[bufnr].endofline and ending or '') }
  end
  local lines = vim.api.nvim_buf_get_lines(bufnr, unsent.first, unsent.last, false)
  lines[#lines + 1] = ''
  return {
    range = {
      start = { line = unsent.first, character = 0 },
      ['end'] = { line = unsent.known_last, character = 0 },
    },
    text = table.concat(lines, ending),
  }
end

--- Send what is unsent.
---@param rpc vim.lsp.rpc.PublicClient
---@param open plum.Open
local function flush(rpc, open)
  local unsent = open.unsent
  open.unsent = nil
  if not unsent or not vim.api.nvim_buf_is_loaded(open.bufnr) then
    return
  end
  rpc.notify('textDocument/didChange', {
    textDocument = { uri = open.uri, version = vim.api.nvim_buf_get_changedtick(open.bufnr) },
    contentChanges = { change(open, unsent) },
  })
end

--- The loaded buffer of a document; |vim.uri_to_bufnr()| would make one. Buffers without a name share an address, and
--- then it is the current one.
local function buffer_of(uri)
  for _, bufnr in ipairs({ vim.api.nvim_get_current_buf(), unpack(vim.api.nvim_list_bufs()) }) do
    if vim.api.nvim_buf_is_loaded(bufnr) and vim.uri_from_bufnr(bufnr) == uri then
      return bufnr
    end
  end
  return nil
end

---@param opened table<string, plum.Open>
local function forget(opened, uri)
  local open = opened[uri]
  if open then
    opened[uri] = nil
    open.timer:close()
  end
end

--- Follow a document that is opened by the next message.
---@param rpc vim.lsp.rpc.PublicClient
---@param opened table<string, plum.Open>
local function follow(rpc, opened, uri)
  forget(opened, uri)
  local bufnr = buffer_of(uri)
  if not bufnr then
    return
  end
  local open = {
    bufnr = bufnr,
    uri = uri,
    form = form(bufnr),
    lines = vim.api.nvim_buf_line_count(bufnr),
    timer = assert(vim.uv.new_timer()),
  }
  opened[uri] = open
  local send = vim.schedule_wrap(function()
    flush(rpc, open)
  end)
  vim.api.nvim_buf_attach(bufnr, false, {
    on_lines = function(_, _, _, first, last, new_last)
      if opened[uri] ~= open or rpc.is_closing() then
        return true
      end
      if not open.unsent then
        open.timer:start(pause_ms, 0, send)
      end
      open.lines = open.lines + new_last - last
      if open.lines == 0 then
        -- All lines were deleted; an empty one is left, of which Neovim does not tell.
        open.lines, new_last = 1, 1
      end
      open.unsent = widened(open.unsent, first, last, new_last)
    end,
    -- Neovim closes and opens what it reads anew, and ends those who follow it meanwhile without a word on reading.
    on_reload = function() end,
  })
end

--- Have Neovim send no edits of its own.
local function without_edits(result)
  local sync = vim.tbl_get(result or {}, 'capabilities', 'textDocumentSync')
  if type(sync) == 'table' then
    sync.change = vim.lsp.protocol.TextDocumentSyncKind.None
  end
  return result
end

--- The connection to the server, over which edits are told by us (see |vim.lsp.ClientConfig|, `cmd`).
---@param rpc vim.lsp.rpc.PublicClient
---@return vim.lsp.rpc.PublicClient
function M.followed(rpc)
  ---@type table<string, plum.Open>
  local opened = {}
  local function flush_all()
    for _, open in pairs(opened) do
      flush(rpc, open)
    end
  end
  return setmetatable({
    request = function(method, params, callback, ...)
      flush_all()
      if method ~= 'initialize' then
        return rpc.request(method, params, callback, ...)
      end
      return rpc.request(method, params, function(err, result)
        callback(err, without_edits(result))
      end, ...)
    end,
    notify = function(method, params)
      if method == 'textDocument/didClose' then
        -- What is unsent may be of a text that is gone: a file that was read anew is closed and opened.
        forget(opened, params.textDocument.uri)
      end
      flush_all()
      if method == 'textDocument/didOpen' then
        follow(rpc, opened, params.textDocument.uri)
      end
      return rpc.notify(method, params)
    end,
  }, { __index = rpc })
end

return M
