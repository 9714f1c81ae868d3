--- The engine of Neovim 0.12: `vim.lsp.inline_completion` asks, draws and inserts; this watches it.
---
--- Neovim 0.12 draws a reply whatever the buffer has become meanwhile, and keeps drawing an offer while other text is
--- typed over it. So replies pass by here first, and what no longer fits is wiped.
local client = require('plum.client')
local config = require('plum.config')
local draw = require('plum.draw')
local insert = require('plum.insert')
local report = require('plum.report')
local text = require('plum.text')
local wire = require('plum.wire')

local M = {}

local namespace = vim.api.nvim_create_namespace('nvim.lsp.inline_completion')

---@class plum.Native
---@field items table[] The last answer that was let through.
---@field index integer
---@field row integer
---@field col integer In bytes, where the offer begins.
---@field replaced integer Bytes behind the cursor that the offer replaces.
---@field wants? integer The offer to draw when the answer to "another one" comes.

---@type table<integer, plum.Native>
local states = {}

local function cursor()
  local row, col = unpack(vim.api.nvim_win_get_cursor(0))
  return row - 1, col
end

local function is_drawn(bufnr)
  return #vim.api.nvim_buf_get_extmarks(bufnr, namespace, 0, -1, { limit = 1 }) > 0
end

--- The item that is drawn; nil if none is.
function M.current(bufnr)
  local state = states[bufnr]
  return state and is_drawn(bufnr) and state.items[state.index] or nil
end

--- How many cells of ghost text lie over the end of the line, where Neovim draws it over what is typed already.
local function overhang(bufnr, row)
  local line = vim.api.nvim_buf_get_lines(bufnr, row, row + 1, false)[1] or ''
  local marks = vim.api.nvim_buf_get_extmarks(bufnr, namespace, { row, 0 }, { row, -1 }, { details = true, limit = 1 })
  local details = marks[1] and marks[1][4]
  if not details or details.virt_text_pos ~= 'overlay' then
    return 0
  end
  local cells = vim.fn.strdisplaywidth(line:sub(1, marks[1][3])) - vim.fn.strdisplaywidth(line)
  for _, chunk in ipairs(details.virt_text or {}) do
    cells = cells + vim.fn.strdisplaywidth(chunk[1])
  end
  return math.max(0, cells)
end

--- Whether Neovim itself draws which of the offers this is, as it does after one was selected.
local function is_counted(bufnr)
  for _, found in ipairs(vim.api.nvim_buf_get_extmarks(bufnr, namespace, 0, -1, { details = true })) do
    for _, line in ipairs(vim.list_extend({ found[4].virt_text or {} }, found[4].virt_lines or {})) do
      for _, chunk in ipairs(line) do
        if chunk[2] == 'ComplHintMore' then
          return true
        end
      end
    end
  end
  return false
end

local function mark(bufnr)
  draw.clear(bufnr)
  local item, state = M.current(bufnr), states[bufnr]
  if item and config.options.show_tier then
    local is_hinted = #state.items > 1 and not is_counted(bufnr)
    local hint = is_hinted and ('(%d/%d)'):format(state.index, #state.items) or nil
    local _, more = text.plain(item.insertText):gsub('\n', '')
    draw.mark(bufnr, state.row, report.evidence(item), { hint, draw.unseen(more) }, overhang(bufnr, state.row))
  end
end

--- After Neovim has drawn: report it and mark it with its tier.
local function look(bufnr)
  local item = M.current(bufnr)
  mark(bufnr)
  if item then
    report.drawn(bufnr, item, function()
      if M.current(bufnr) == item then
        mark(bufnr)
      end
    end)
  end
end

--- Take an answer that is about to reach Neovim; what is stale becomes empty.
local function filtered(bufnr, asked, result)
  if not vim.api.nvim_buf_is_valid(bufnr) then
    return { items = {} }
  end
  local state = states[bufnr]
  local row, col = cursor()
  local now = { vim.api.nvim_buf_get_changedtick(bufnr), row, col }
  local items = result and (result.items or result) or {}
  if not state or not vim.deep_equal(now, asked) or vim.api.nvim_get_current_buf() ~= bufnr then
    if state then
      state.items = {}
    end
    return { items = {} }
  end
  state.items, state.index, state.row, state.col, state.replaced = items, 1, row, col, 0
  local server, range = client.of(bufnr), items[1] and items[1].range
  if range and server then
    local line = vim.api.nvim_get_current_line()
    state.col = vim.str_byteindex(line, server.offset_encoding, range.start.character, false)
    local last = vim.str_byteindex(line, server.offset_encoding, range['end'].character, false)
    state.replaced = math.max(0, last - col)
  end
  vim.schedule(function()
    if state.wants and state.wants > 1 and state.wants <= #state.items then
      vim.lsp.inline_completion.select({ bufnr = bufnr, count = state.wants - 1 })
      state.index = state.wants
    end
    state.wants = nil
    look(bufnr)
  end)
  return { items = items }
end

--- What stands between the offer's beginning and the cursor; nil if they are not on one line.
local function typed_since(state)
  local row, col = cursor()
  if row ~= state.row or col < state.col then
    return nil
  end
  return vim.api.nvim_get_current_line():sub(state.col + 1, col)
end

--- The offer that is being typed out, reaching to the cursor; nil if there is none.
function M.typed_out(bufnr)
  local state = states[bufnr]
  local item = state and vim.api.nvim_get_current_buf() == bufnr and state.items[state.index]
  local typed = item and typed_since(state)
  if not item or not typed or typed == '' or not item.range then
    return nil
  end
  local rest = text.rest(text.plain(item.insertText), typed)
  if not rest or rest == '' then
    return nil
  end
  state.items, state.index = { vim.deepcopy(item) }, 1
  local kept, server = state.items[1], client.of(bufnr)
  local _, col = cursor()
  local encoding = server and server.offset_encoding or 'utf-8'
  kept.range['end'].character = vim.str_utfindex(vim.api.nvim_get_current_line(), encoding, col)
  return kept
end

--- The connection to the server, with inline completions watched (see |vim.lsp.ClientConfig|, `cmd`).
---@param rpc vim.lsp.rpc.PublicClient
---@return vim.lsp.rpc.PublicClient
function M.watched(rpc)
  return setmetatable({
    request = function(method, params, callback, ...)
      if method ~= wire.INLINE_COMPLETION then
        return rpc.request(method, params, callback, ...)
      end
      local bufnr = vim.uri_to_bufnr(params.textDocument.uri)
      -- Neovim asks 200 ms after a key, with the cursor of the buffer that is the current one by then.
      if vim.b[bufnr].plum_paused or bufnr ~= vim.api.nvim_get_current_buf() then
        vim.schedule(function()
          callback(nil, { items = {} })
        end)
        return true, 0
      end
      local state = states[bufnr]
      if state and state.wants then
        params.context.triggerKind = wire.INVOKED
      end
      local kept = M.typed_out(bufnr)
      if kept and not (state and state.wants) then
        vim.schedule(function()
          callback(nil, { items = { kept } })
          look(bufnr)
        end)
        return true, 0
      end
      local asked = { vim.api.nvim_buf_get_changedtick(bufnr), cursor() }
      return rpc.request(method, params, function(err, result)
        -- An error is an answer that nothing is offered; Neovim would log each request that was cancelled.
        callback(nil, filtered(bufnr, asked, not err and result or nil))
      end, ...)
    end,
  }, { __index = rpc })
end

--- Wipe what Neovim draws, and have it ask anew.
local function wipe(bufnr)
  states[bufnr].items = {}
  draw.clear(bufnr)
  if is_drawn(bufnr) then
    -- Taking an offer and changing nothing is the public way to make Neovim drop it.
    vim.lsp.inline_completion.get({
      bufnr = bufnr,
      on_accept = function()
        return nil
      end,
    })
    vim.api.nvim_buf_clear_namespace(bufnr, namespace, 0, -1)
    vim.schedule(function()
      M.ask_again(bufnr)
    end)
  end
end

--- Have Neovim ask for the text as it is; it does so 200 ms after the cursor moved.
function M.ask_again(bufnr)
  if vim.api.nvim_get_current_buf() == bufnr and vim.api.nvim_get_mode().mode:sub(1, 1) == 'i' then
    vim.api.nvim_exec_autocmds('CursorMovedI', { buffer = bufnr, modeline = false })
  end
end

--- The text changed under an offer: wipe it unless it is being typed out.
local function update(bufnr)
  local state = states[bufnr]
  local item = state and state.items[state.index]
  if not item then
    return
  end
  local typed = typed_since(state)
  local rest = typed and text.rest(text.plain(item.insertText), typed)
  if rest and rest ~= '' then
    mark(bufnr)
  else
    wipe(bufnr)
  end
end

local has_served = false

--- Serve a buffer.
function M.attach(bufnr, server)
  if not states[bufnr] then
    states[bufnr] = { items = {}, index = 1, row = 0, col = 0, replaced = 0 }
    local group = vim.api.nvim_create_augroup('plum.native.' .. bufnr, { clear = true })
    vim.api.nvim_create_autocmd({ 'TextChangedI', 'TextChangedP' }, {
      group = group,
      buffer = bufnr,
      callback = function()
        update(bufnr)
      end,
    })
    vim.api.nvim_create_autocmd('InsertLeave', {
      group = group,
      buffer = bufnr,
      callback = function()
        local item = states[bufnr].items[states[bufnr].index]
        states[bufnr].items = {}
        draw.clear(bufnr)
        if item and vim.api.nvim_get_mode().mode:sub(1, 2) ~= 'ni' then
          report.dismissed(bufnr, item)
        end
      end,
    })
    vim.api.nvim_create_autocmd('BufWipeout', {
      group = group,
      buffer = bufnr,
      callback = function()
        states[bufnr] = nil
      end,
    })
  end
  vim.lsp.inline_completion.enable(config.options.auto_trigger, { bufnr = bufnr, client_id = server.id })
  if config.options.auto_trigger and not has_served then
    has_served = true
    -- A user who was faster than the server is not kept waiting for another key. Not after a restart: Neovim would ask
    -- the server that has gone, too, which it still remembers, and break.
    vim.schedule(function()
      M.ask_again(bufnr)
    end)
  end
end

--- The offers of the last answer that was let through.
---@return table[]
function M.items(bufnr)
  local state = states[bufnr]
  return state and state.items or {}
end

--- Draw the label again.
function M.redraw(bufnr)
  mark(bufnr)
end

--- Wipe the offer, which turned out wrong. No judgement of the user's.
---@param again boolean Whether there is a better one to ask for.
function M.withdraw(bufnr, again)
  M.close(bufnr)
  states[bufnr].items = {}
  draw.clear(bufnr)
  if again then
    -- Neovim drops the offer a moment later, and with it whatever was to be asked for by then.
    vim.schedule(function()
      M.ask_again(bufnr)
    end)
  end
end

--- Insert the offer, or its beginning.
---@param part? fun(rest: string): string
---@return boolean
function M.accept(bufnr, part)
  local item, state = M.current(bufnr), states[bufnr]
  if not item then
    return false
  end
  return vim.lsp.inline_completion.get({
    bufnr = bufnr,
    on_accept = function()
      draw.clear(bufnr)
      state.items = {}
      local _, col = cursor()
      local whole = text.plain(item.insertText)
      local typed = vim.api.nvim_get_current_line():sub(state.col + 1, col)
      local rest = text.rest(whole, typed) or ''
      local taken = #typed + insert.at_cursor(bufnr, rest, state.replaced, part)
      if taken >= #whole then
        report.accepted(bufnr, item)
      else
        report.partly_accepted(bufnr, item, taken)
      end
      return nil
    end,
  })
end

--- Draw another offer for the same place; asks for one where none is left.
---@param delta 1|-1
function M.cycle(bufnr, delta)
  local state = states[bufnr]
  if not state or not M.current(bufnr) then
    M.trigger(bufnr)
    return
  end
  local index = state.index + delta
  if delta > 0 and index > #state.items then
    state.wants = index
    M.ask_again(bufnr)
    return
  end
  state.index = (index - 1) % #state.items + 1
  vim.lsp.inline_completion.select({ bufnr = bufnr, count = delta })
  look(bufnr)
end

--- Ask now.
function M.trigger(bufnr)
  if states[bufnr] then
    states[bufnr].wants = 1
    M.ask_again(bufnr)
  end
end

--- Close the offer and return its item. The caller reports it.
---@return table?
function M.close(bufnr)
  local item = M.current(bufnr)
  if item then
    states[bufnr].items = {}
    draw.clear(bufnr)
    vim.lsp.inline_completion.get({
      bufnr = bufnr,
      on_accept = function()
        return nil
      end,
    })
  end
  return item
end

return M
