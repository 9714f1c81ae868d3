--- What the server says later of an offer that is on the screen: a new label, or that the offer is withdrawn.
local config = require('plum.config')
local report = require('plum.report')
local wire = require('plum.wire')

local M = {}

--- Take the server's notification: the handler of `plum/didChangeOffer`.
function M.on_change(_, params)
  if type(params) ~= 'table' or type(params.offer) ~= 'string' then
    return
  end
  local engine = require('plum.' .. (config.engine() == 'native' and 'native' or 'ghost'))
  local bufnr = vim.api.nvim_get_current_buf()
  for _, item in ipairs(engine.items(bufnr)) do
    if wire.offer_id(item) == params.offer then
      if params.kind == 'label' then
        report.relabelled(bufnr, item, params.explanation)
        engine.redraw(bufnr)
      else
        engine.withdraw(bufnr, params.again == true)
      end
      return
    end
  end
end

return M
