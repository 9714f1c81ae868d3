--- Options of the user, checked once. Only `setup()` sets them: a project's files have no say.
local M = {}

---@class plum.Options
---@field cmd? string[] The server. Default: what `plum-lsp editor install` wrote, else `plum-lsp` on $PATH, else the one of the clone this plugin lies in.
---@field filetypes string[]
---@field root_markers string[]
---@field engine 'auto'|'native'|'own' `native` is `vim.lsp.inline_completion` (Neovim 0.12), `own` works everywhere.
---@field auto_trigger boolean Whether offers come while you type, or only when asked for.
---@field debounce_ms integer Pause in typing after which the own engine asks.
---@field show_tier boolean Whether the tier stands behind the ghost text.
---@field tab boolean Whether <Tab> accepts, where an offer stands.
---@field settings table Settings of the server, as in docs/settings.md without the leading `plum.`.
---@field log_level string Of the server's log.
---@field restarts_max integer How often the server is started again after it died.
M.defaults = {
  cmd = nil,
  filetypes = { 'python' },
  root_markers = { 'pyproject.toml', 'setup.py', '.git' },
  engine = 'auto',
  auto_trigger = true,
  debounce_ms = 150,
  show_tier = true,
  tab = false,
  settings = {},
  log_level = 'info',
  restarts_max = 3,
}

---@type plum.Options
M.options = vim.deepcopy(M.defaults)

local kinds = {
  cmd = 'table',
  filetypes = 'table',
  root_markers = 'table',
  engine = 'string',
  auto_trigger = 'boolean',
  debounce_ms = 'number',
  show_tier = 'boolean',
  tab = 'boolean',
  settings = 'table',
  log_level = 'string',
  restarts_max = 'number',
}

--- Take the user's options; unknown and malformed ones are errors.
---@param given? table
function M.take(given)
  for key, value in pairs(given or {}) do
    if not kinds[key] then
      error(('plum: there is no option %q; see :help plum-options'):format(key), 0)
    end
    if type(value) ~= kinds[key] then
      error(('plum: option %q must be a %s, not a %s'):format(key, kinds[key], type(value)), 0)
    end
  end
  local options = vim.tbl_deep_extend('force', vim.deepcopy(M.defaults), given or {})
  if not vim.list_contains({ 'auto', 'native', 'own' }, options.engine) then
    error(('plum: engine must be "auto", "native" or "own", not %q'):format(options.engine), 0)
  end
  if options.engine == 'native' and not vim.lsp.inline_completion then
    error('plum: engine "native" needs Neovim 0.12', 0)
  end
  M.options = options
end

--- The engine in force.
---@return 'native'|'own'
function M.engine()
  if M.options.engine == 'auto' then
    return vim.lsp.inline_completion and 'native' or 'own'
  end
  return M.options.engine --[[@as 'native'|'own']]
end

--- The server's command without arguments, and where it comes from; nil if there is none.
---@return string[]?, string
function M.command()
  if M.options.cmd then
    return M.options.cmd, 'setup()'
  end
  local is_installed, installed = pcall(require, 'plum.installed')
  if is_installed and vim.fn.executable(installed.cmd[1]) == 1 then
    return installed.cmd, 'plum-lsp editor install'
  end
  local found = vim.fn.exepath('plum-lsp')
  if found ~= '' then
    return { found }, '$PATH'
  end
  local here = debug.getinfo(1, 'S').source:sub(2)
  local clone = vim.fs.normalize(vim.fn.fnamemodify(here, ':p:h:h:h:h:h'))
  local beside = clone .. '/.venv/bin/plum-lsp'
  if vim.fn.executable(beside) == 1 then
    return { beside }, 'the clone of the plugin'
  end
  return nil, 'nowhere'
end

--- Where the server writes its log.
---@return string
function M.log_file()
  return vim.fs.joinpath(vim.fn.stdpath('log') --[[@as string]], 'plum-lsp.log')
end

return M
