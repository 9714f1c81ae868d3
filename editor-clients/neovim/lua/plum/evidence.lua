--- The evidence for an offer, or the reason for none, in a float.
local report = require('plum.report')

local M = {}

--- What `plum.explain` said, as the lines of a Markdown page: what comes from a file is code in it.
---@param result table
---@return string[]
function M.lines(result)
  return vim.split(result.markdown or '', '\n', { plain = true })
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
