--- Draws ghost text and the tier behind it. Keeps no state but its namespace.
local M = {}

M.namespace = vim.api.nvim_create_namespace('plum')

local tiers = {
  verified = { '✓ verified', 'PlumVerified' },
  consistent = { '≈ consistent', 'PlumConsistent' },
  checked = { '· checked', 'PlumChecked' },
  unverified = { '? unverified', 'PlumUnverified' },
}

--- The highlights, for colour schemes that know nothing of us.
function M.define_highlights()
  local links = {
    PlumGhost = 'NonText',
    PlumHint = 'Comment',
    PlumVerified = 'DiagnosticOk',
    PlumConsistent = 'DiagnosticInfo',
    PlumChecked = 'DiagnosticHint',
    PlumUnverified = 'DiagnosticWarn',
  }
  for group, link in pairs(links) do
    vim.api.nvim_set_hl(0, group, { link = link, default = true })
  end
end

--- The tier and how many tests it rests on, as virtual text. Of a result that the sandbox computed, it says so.
---@param evidence table
---@return [string, string][]
function M.tier(evidence)
  local first = (evidence.tests or {})[1]
  if first and first.origin == 'computed' then
    return { { '   · computed', 'PlumChecked' } }
  end
  local label = tiers[evidence.tier] or { evidence.tier, 'PlumUnverified' }
  local passed = #vim.tbl_filter(function(test)
    return test.status == 'passed'
  end, evidence.tests or {})
  local tests = #(evidence.tests or {})
  local counted = tests > 0 and (' %d/%d'):format(passed, tests) or ''
  return { { '   ' .. label[1] .. counted, label[2] } }
end

--- How many of the lines below the cursor's have no room in the window, as a hint. nil if all have.
---@param count integer
---@return string?
function M.unseen(count)
  local hidden = math.min(count, count - (vim.api.nvim_win_get_height(0) - vim.fn.winline()))
  return hidden > 0 and ('+%d line%s'):format(hidden, hidden == 1 and '' or 's') or nil
end

--- Draw what is left of an offer at the cursor.
---@param bufnr integer
---@param row integer
---@param col integer
---@param rest string
---@param evidence? table
---@param hint? string Such as (2/3), where there are alternatives.
function M.ghost(bufnr, row, col, rest, evidence, hint)
  M.clear(bufnr)
  local lines = vim.split(rest, '\n', { plain = true })
  local virt_lines = {}
  for index = 2, #lines do
    virt_lines[#virt_lines + 1] = { { lines[index] == '' and ' ' or lines[index], 'PlumGhost' } }
  end
  vim.api.nvim_buf_set_extmark(bufnr, M.namespace, row, col, {
    virt_text = { { lines[1], 'PlumGhost' } },
    virt_text_pos = 'inline',
    virt_lines = #virt_lines > 0 and virt_lines or nil,
    hl_mode = 'combine',
  })
  M.mark(bufnr, row, evidence, { hint, M.unseen(#virt_lines) })
end

--- Draw the tier behind a line.
---@param hints (string?)[] At most two.
---@param overhang? integer Cells behind the end of the line that something else covers.
function M.mark(bufnr, row, evidence, hints, overhang)
  local chunks = evidence and M.tier(evidence) or {}
  for index = 1, 2 do
    if hints[index] then
      chunks[#chunks + 1] = { '  ' .. hints[index], 'PlumHint' }
    end
  end
  if #chunks > 0 then
    table.insert(chunks, 1, { (' '):rep(overhang or 0) })
    vim.api.nvim_buf_set_extmark(bufnr, M.namespace, row, 0, { virt_text = chunks, virt_text_pos = 'eol' })
  end
end

--- Wipe what was drawn.
function M.clear(bufnr)
  vim.api.nvim_buf_clear_namespace(bufnr, M.namespace, 0, -1)
end

return M
