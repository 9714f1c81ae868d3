--- The evidence for an offer, or the reason for none, in a float.
local report = require('plum.report')

local M = {}

local marks = { passed = '✓', failed = '✗', errored = '!', timed_out = '⏱', over_limit = '▲' }

--- What `plum.explain` said, as the lines of a page.
---@param result table
---@return string[]
function M.lines(result)
  if result.kind ~= 'offer' then
    return vim.split(result.text or '', '\n', { plain = true })
  end
  local likely = type(result.probability) == 'number'
      and ('; about %d%% likely to be right'):format(math.floor(result.probability * 100 + 0.5))
    or ''
  local lines = { ('**%s**: %s%s'):format(result.tier, result.reason, likely), '' }
  for _, test in ipairs(result.tests or {}) do
    local quote = test.quote:gsub('%s+', ' ')
    local shown = test.shown ~= '' and (' gave `%s`'):format(test.shown) or ''
    lines[#lines + 1] = ('%s `%s`%s  (%s)'):format(marks[test.status] or '?', quote, shown, test.origin)
  end
  local policy = result.policy or {}
  lines[#lines + 1] = ''
  lines[#lines + 1] = ('policy %s, version %s'):format(policy.model or '?', policy.version or '?')
  return lines
end

--- Ask, and open the float when the answer is there.
function M.show(bufnr, item)
  report.explain(bufnr, item, function(result)
    if not result then
      vim.notify('plum: the server does not answer; see :checkhealth plum', vim.log.levels.WARN)
      return
    end
    vim.lsp.util.open_floating_preview(M.lines(result), 'markdown', {
      border = 'rounded',
      title = ' plum ',
      focus_id = 'plum',
      max_width = 80,
      close_events = { 'CursorMoved', 'CursorMovedI', 'InsertLeave', 'BufHidden' },
    })
  end)
end

return M
