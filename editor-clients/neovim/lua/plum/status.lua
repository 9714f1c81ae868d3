--- What plum is doing, in one line: for the status line, and for whoever listens to `User PlumStatus`.
local M = {}

---@class plum.Status
---@field busy boolean
---@field kind 'Normal'|'Warning'|'Error'|'Inactive'
---@field message string
---@field command? { title: string, command: string }
---@field result? 'none' Nothing is offered, which is no trouble.

---@type plum.Status
M.last = { busy = false, kind = 'Inactive', message = 'not started' }

local signs = { Normal = '✓', Warning = '!', Error = '✗', Inactive = '-', None = '–' }
local message_length_max = 60
local draw_ms = 50
local draw_busy_ms = 250
local timer = assert(vim.uv.new_timer())

--- A status as one line, cut to what a status line has room for unless `is_whole`.
local function line(status, is_whole)
  local kind = status.kind == 'Normal' and status.result == 'none' and 'None' or status.kind
  local message, sign = status.message, status.busy and '…' or signs[kind] or '?'
  if not is_whole and vim.fn.strchars(message) > message_length_max then
    message = vim.fn.strcharpart(message, 0, message_length_max - 1) .. '…'
  end
  return ('plum %s %s'):format(sign, message)
end

--- Put the status where 'statusline' finds it. Neovim looks with each key, and a variable costs it a third of what a
--- call of Lua does.
local function draw()
  local text = line(M.last)
  if text ~= vim.g.plum_status then
    vim.g.plum_status = text
    vim.cmd.redrawstatus({ bang = true })
  end
end

--- Take a status, of the server or of the client itself. It is drawn a moment later: a request tells several in a few
--- milliseconds. That work goes on is drawn if it lasts: while someone types, most requests end before that.
---@param status plum.Status
function M.take(status)
  M.last = status
  vim.api.nvim_exec_autocmds('User', { pattern = 'PlumStatus', modeline = false, data = status })
  if not status.busy then
    timer:start(draw_ms, 0, vim.schedule_wrap(draw))
  elseif not timer:is_active() then
    timer:start(draw_busy_ms, 0, vim.schedule_wrap(draw))
  end
end

--- Take the server's notification: the handler of `didChangeStatus`.
function M.on_change(_, params)
  if type(params) == 'table' and type(params.message) == 'string' then
    M.take(params)
  end
end

vim.g.plum_status = line(M.last)

---@type string[] What the server had to tell, in full.
M.messages = {}

--- Tell the user something in one line, as long as there is room, so that nobody has to confirm it. `:Plum status` shows
--- it in full.
---@param text string
---@param highlight string?
function M.tell(text, highlight)
  local message = text:gsub('%s+', ' ')
  M.messages[#M.messages + 1] = message
  if vim.fn.strdisplaywidth(message) >= vim.v.echospace then
    message = vim.fn.strcharpart(message, 0, vim.v.echospace - 16) .. '… :Plum status'
  end
  vim.api.nvim_echo({ { message, highlight } }, true, {})
end

--- Take a message of the server's.
function M.on_message(_, params)
  M.tell(tostring(params.message), 'WarningMsg')
end

--- Take a question of the server: whether a folder is trusted. Neovim's own handler asks in a prompt that takes the next
--- keys from the buffer. This one keeps the question for `:Plum status`, names the command, and leaves it unanswered.
function M.on_question(_, params)
  M.messages[#M.messages + 1] = tostring(params.message):gsub('%s+', ' ')
  local hint = 'plum: this folder is not trusted. :Plum trust'
  if vim.fn.strdisplaywidth(hint) < vim.v.echospace then
    vim.api.nvim_echo({ { hint } }, true, {})
  end
  return vim.NIL
end

--- The user wants nothing in a buffer, or wants offers again.
function M.pause(bufnr, is_paused)
  vim.b[bufnr].plum_paused = is_paused or nil
  vim.b[bufnr].plum_status = is_paused and line({ busy = false, kind = 'Inactive', message = 'paused here' }) or nil
  vim.cmd.redrawstatus({ bang = true })
end

--- For lualine and the like: plain text.
---@param is_whole? boolean Whether a long message is not cut.
---@return string
function M.text(is_whole)
  return vim.b.plum_status or line(M.last, is_whole)
end

--- For 'statusline': a click runs `:Plum explain`, or `:Plum doctor` where something is wrong.
---@return string
function M.component()
  return "%@v:lua.require'plum.status'.click@" .. M.text():gsub('%%', '%%%%') .. '%X'
end

--- What a click on the component does.
function M.click()
  vim.schedule(function()
    vim.cmd.Plum(M.last.kind == 'Error' and 'doctor' or 'explain')
  end)
end

return M
