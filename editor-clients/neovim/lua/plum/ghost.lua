--- The own engine: asks, draws and inserts offers by itself. For Neovim 0.11, or where it is asked for.
---
--- A reply is drawn only if the buffer's changedtick and the cursor are what they were when it was asked for. While
--- the user types what is offered, the offer stays and nothing is asked.
local client = require('plum.client')
local config = require('plum.config')
local draw = require('plum.draw')
local insert = require('plum.insert')
local report = require('plum.report')
local text = require('plum.text')
local wire = require('plum.wire')

local M = {}

---@class plum.Ghost
---@field items table[] The offers for one place, the one drawn being `items[index]`.
---@field index integer
---@field row integer Where the offer begins.
---@field col integer In bytes.
---@field replaced integer Bytes behind the cursor that the offer replaces.
---@field typed string What stands in the offer's place already.

---@type table<integer, plum.Ghost>
local ghosts = {}
---@type table<integer, { timer: uv.uv_timer_t, request?: integer, number: integer, ask: fun(), tick?: integer, row?: integer, col?: integer }>
local asking = {}

local function cursor()
  local row, col = unpack(vim.api.nvim_win_get_cursor(0))
  return row - 1, col
end

local function in_insert_mode()
  return vim.api.nvim_get_mode().mode:sub(1, 1) == 'i'
end

--- Forget the offer and wipe it.
local function hide(bufnr)
  ghosts[bufnr] = nil
  draw.clear(bufnr)
end

--- Ask nothing more, and have no answer to what was asked.
local function stop_asking(bufnr)
  local state = asking[bufnr]
  if not state then
    return
  end
  state.number = state.number + 1
  state.timer:stop()
  local server = client.of(bufnr)
  if state.request and server then
    server:cancel_request(state.request)
  end
  state.request = nil
end

local function render(bufnr)
  local ghost = ghosts[bufnr]
  if not ghost then
    return
  end
  local item = ghost.items[ghost.index]
  local rest = text.rest(text.plain(item.insertText), ghost.typed)
  if not rest or rest == '' then
    hide(bufnr)
    return
  end
  local row, col = cursor()
  local hint = #ghost.items > 1 and ('(%d/%d)'):format(ghost.index, #ghost.items) or nil
  draw.ghost(bufnr, row, col, rest, config.options.show_tier and report.evidence(item) or nil, hint)
  report.drawn(bufnr, item, function()
    if ghosts[bufnr] == ghost and ghost.items[ghost.index] == item then
      render(bufnr)
    end
  end)
end

--- The column in bytes of an LSP position.
local function column(bufnr, position, encoding)
  local line = vim.api.nvim_buf_get_lines(bufnr, position.line, position.line + 1, false)[1] or ''
  return vim.str_byteindex(line, encoding, position.character, false)
end

local function take(bufnr, result, encoding)
  local items = result and (result.items or result) or {}
  items = vim.tbl_filter(wire.offer_id, items)
  if #items == 0 then
    hide(bufnr)
    return
  end
  local row, col = cursor()
  local range = items[1].range
  local start = range and column(bufnr, range.start, encoding) or col
  local last = range and column(bufnr, range['end'], encoding) or col
  local line = vim.api.nvim_get_current_line()
  ghosts[bufnr] = {
    items = items,
    index = 1,
    row = row,
    col = start,
    replaced = math.max(0, last - col),
    typed = line:sub(start + 1, col),
  }
end

--- Ask for offers at the cursor.
---@param bufnr integer
---@param kind integer
---@param index? integer Which of the offers to draw; the first, or the last if there are fewer.
local function ask(bufnr, kind, index)
  local server = client.of(bufnr)
  if not server or vim.b[bufnr].plum_paused or not in_insert_mode() then
    return
  end
  stop_asking(bufnr)
  local state = asking[bufnr]
  local number, tick = state.number, vim.api.nvim_buf_get_changedtick(bufnr)
  local row, col = cursor()
  local params = vim.lsp.util.make_position_params(0, server.offset_encoding)
  params.context = { triggerKind = kind }
  local _, id = server:request(wire.INLINE_COMPLETION, params, function(err, result)
    if state.number ~= number then
      return
    end
    state.request = nil
    local now_row, now_col = cursor()
    local is_stale = vim.api.nvim_get_current_buf() ~= bufnr
      or vim.api.nvim_buf_get_changedtick(bufnr) ~= tick
      or now_row ~= row
      or now_col ~= col
    if err or is_stale or not in_insert_mode() then
      return
    end
    take(bufnr, result, server.offset_encoding)
    local ghost = ghosts[bufnr]
    if ghost and index then
      ghost.index = index <= #ghost.items and index or 1
    end
    render(bufnr)
  end, bufnr)
  state.request = id
end

local function ask_soon(bufnr)
  if not config.options.auto_trigger then
    return
  end
  local state = asking[bufnr]
  -- The answer on its way is stale. That it is not wanted is told when the next is asked for: a key press is no time for
  -- messages, and the server learns from the edit anyway.
  state.number = state.number + 1
  state.timer:start(config.options.debounce_ms, 0, state.ask)
end

--- What stands between the offer's beginning and the cursor; nil if the cursor is before it or the line is gone.
local function typed_since(bufnr, ghost)
  local row, col = cursor()
  if row < ghost.row or (row == ghost.row and col < ghost.col) then
    return nil
  end
  local ok, lines = pcall(vim.api.nvim_buf_get_text, bufnr, ghost.row, ghost.col, row, col, {})
  return ok and table.concat(lines, '\n') or nil
end

--- The buffer or the cursor changed: keep what is still right, drop what is not, ask where there is nothing.
local function update(bufnr)
  local state, tick = asking[bufnr], vim.api.nvim_buf_get_changedtick(bufnr)
  local row, col = cursor()
  if state.tick == tick and state.row == row and state.col == col then
    return -- TextChangedI and CursorMovedI tell of the same key.
  end
  state.tick, state.row, state.col = tick, row, col
  local ghost = ghosts[bufnr]
  if ghost then
    local typed = typed_since(bufnr, ghost)
    local item = ghost.items[ghost.index]
    local rest = typed and text.rest(text.plain(item.insertText), typed)
    if rest and rest ~= '' then
      if typed ~= ghost.typed then
        ghost.items, ghost.index, ghost.typed = { item }, 1, typed
        render(bufnr)
      end
      return
    end
    hide(bufnr)
  end
  ask_soon(bufnr)
end

--- The server is there now; a user who was faster than it is not kept waiting for another key.
local function catch_up(bufnr)
  if vim.api.nvim_get_current_buf() == bufnr and in_insert_mode() then
    ask_soon(bufnr)
  end
end

--- Follow what happens in a buffer.
local function watch(bufnr)
  asking[bufnr] = {
    number = 0,
    timer = assert(vim.uv.new_timer()),
    ask = vim.schedule_wrap(function()
      if asking[bufnr] and vim.api.nvim_get_current_buf() == bufnr then
        ask(bufnr, wire.AUTOMATIC)
      end
    end),
  }
  local group = vim.api.nvim_create_augroup('plum.ghost.' .. bufnr, { clear = true })
  local function on(events, callback)
    vim.api.nvim_create_autocmd(events, { group = group, buffer = bufnr, callback = callback })
  end
  on({ 'TextChangedI', 'TextChangedP', 'CursorMovedI', 'InsertEnter' }, function()
    update(bufnr)
  end)
  on('InsertLeave', function()
    asking[bufnr].tick = nil
    local item = M.close(bufnr)
    -- CTRL-O leaves Insert mode for one command only: no judgement.
    if item and vim.api.nvim_get_mode().mode:sub(1, 2) ~= 'ni' then
      report.dismissed(bufnr, item)
    end
  end)
  on('BufLeave', function()
    stop_asking(bufnr)
    hide(bufnr)
  end)
  on('BufWipeout', function()
    asking[bufnr].timer:close()
    ghosts[bufnr], asking[bufnr] = nil, nil
  end)
end

--- Serve a buffer.
function M.attach(bufnr)
  if not asking[bufnr] then
    watch(bufnr)
  end
  catch_up(bufnr)
end

--- The item that is drawn; nil if none is.
function M.current(bufnr)
  local ghost = ghosts[bufnr]
  return ghost and ghost.items[ghost.index] or nil
end

--- The offers for the place where one is drawn.
---@return table[]
function M.items(bufnr)
  local ghost = ghosts[bufnr]
  return ghost and ghost.items or {}
end

--- Draw the offer again, with its new label.
function M.redraw(bufnr)
  render(bufnr)
end

--- Wipe the offer, which turned out wrong. No judgement of the user's.
---@param again boolean Whether there is a better one to ask for.
function M.withdraw(bufnr, again)
  M.close(bufnr)
  if again then
    ask(bufnr, wire.AUTOMATIC)
  end
end

--- Insert the offer, or the beginning of what is left of it.
---@param bufnr integer
---@param part? fun(rest: string): string
---@return boolean
function M.accept(bufnr, part)
  local ghost = ghosts[bufnr]
  if not ghost then
    return false
  end
  local item = ghost.items[ghost.index]
  local whole = text.plain(item.insertText)
  local rest = text.rest(whole, ghost.typed) or ''
  local inserted = insert.at_cursor(bufnr, rest, ghost.replaced, part)
  ghost.typed = whole:sub(1, #ghost.typed + inserted)
  ghost.items, ghost.index, ghost.replaced = { item }, 1, 0
  if #ghost.typed == #whole then
    hide(bufnr)
    stop_asking(bufnr)
    report.accepted(bufnr, item)
  else
    report.partly_accepted(bufnr, item, #ghost.typed)
    render(bufnr)
  end
  return true
end

--- Draw another offer for the same place; asks for one where none is left.
---@param delta 1|-1
function M.cycle(bufnr, delta)
  local ghost = ghosts[bufnr]
  if not ghost then
    M.trigger(bufnr)
    return
  end
  local index = ghost.index + delta
  if delta > 0 and index > #ghost.items and ghost.typed == '' then
    ask(bufnr, wire.INVOKED, index)
    return
  end
  ghost.index = (index - 1) % #ghost.items + 1
  render(bufnr)
end

--- Ask now.
function M.trigger(bufnr)
  ask(bufnr, wire.INVOKED)
end

--- Close the offer and return its item. The caller reports it.
---@return table?
function M.close(bufnr)
  local item = M.current(bufnr)
  stop_asking(bufnr)
  hide(bufnr)
  return item
end

return M
