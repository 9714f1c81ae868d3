--- <Tab> accepts where an offer is drawn. Elsewhere it does what it did before, such as to jump in a snippet.
local M = {}

local description = 'plum: accept the offer'
local before = '<Plug>(plum-tab-before)'

--- Give the mapping of <Tab> that is there another name. Returns the keys that run it.
local function keep()
  local mapping = vim.fn.maparg('<Tab>', 'i', false, true)
  if vim.tbl_isempty(mapping) or mapping.buffer == 1 then
    return '<Tab>'
  end
  if mapping.desc == description then
    return vim.fn.maparg(before, 'i') ~= '' and before or '<Tab>' -- setup() was called before.
  end
  mapping.lhs, mapping.lhsraw, mapping.lhsrawalt = before, vim.keycode(before), nil
  vim.fn.mapset('i', false, mapping)
  return before
end

--- Map <Tab> in Insert mode.
---@param is_visible fun(): boolean Whether an offer is drawn.
function M.map(is_visible)
  local otherwise = keep()
  vim.keymap.set('i', '<Tab>', function()
    return is_visible() and '<Plug>(plum-accept)' or otherwise
  end, { expr = true, remap = true, desc = description })
end

return M
