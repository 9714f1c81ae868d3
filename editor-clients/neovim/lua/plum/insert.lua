--- Inserts the text of an offer at the cursor.
local M = {}

--- Insert what is left of an offer, or its beginning, and move the cursor behind it.
---@param bufnr integer
---@param rest string What is left, plain.
---@param replaced integer Bytes behind the cursor that the offer replaces.
---@param part? fun(rest: string): string Which beginning; the whole without it.
---@return integer inserted In bytes.
function M.at_cursor(bufnr, rest, replaced, part)
  local chunk = part and part(rest) or rest
  local row, col = unpack(vim.api.nvim_win_get_cursor(0))
  local last = math.min(#vim.api.nvim_get_current_line(), col + replaced)
  local lines = vim.split(chunk, '\n', { plain = true })
  vim.api.nvim_buf_set_text(bufnr, row - 1, col, row - 1, last, lines)
  local before = #lines == 1 and col or 0
  vim.api.nvim_win_set_cursor(0, { row + #lines - 1, before + #lines[#lines] })
  return #chunk
end

return M
