--- `:help plum` works without a plugin manager that indexes help files.
local M = {}

--- Index the help file, unless that was done. A folder that cannot be written has no index, which is no error.
function M.index()
  local file = vim.api.nvim_get_runtime_file('doc/plum.txt', false)[1]
  local folder = file and vim.fs.dirname(file)
  if folder and not vim.uv.fs_stat(vim.fs.joinpath(folder, 'tags')) then
    pcall(vim.cmd.helptags, vim.fn.fnameescape(folder))
  end
end

return M
