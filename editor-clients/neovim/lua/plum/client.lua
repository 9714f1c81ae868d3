--- Starts, restarts and finds the language server. Knows nothing of offers.
local config = require('plum.config')
local status = require('plum.status')
local sync = require('plum.sync')
local wire = require('plum.wire')

local M = {}

local name = 'plum'
local stable_ms = 60000
local restarts = 0
local generation = 0 -- Of servers: those of earlier ones were stopped on purpose.

--- The client of a buffer; nil if none is attached or it is on its way out.
---@param bufnr? integer
---@return vim.lsp.Client?
function M.of(bufnr)
  for _, client in ipairs(vim.lsp.get_clients({ name = name, bufnr = bufnr or 0 })) do
    if not client:is_stopped() then
      return client
    end
  end
  return nil
end

local function start(bufnr)
  local settings = vim.lsp.config[name]
  settings.root_dir = vim.fs.root(bufnr, config.options.root_markers)
  vim.lsp.start(settings, { bufnr = bufnr })
end

--- The buffers the server is for.
local function buffers()
  return vim.tbl_filter(function(bufnr)
    return vim.api.nvim_buf_is_loaded(bufnr)
      and vim.bo[bufnr].buftype == ''
      and vim.list_contains(config.options.filetypes, vim.bo[bufnr].filetype)
  end, vim.api.nvim_list_bufs())
end

local function start_all()
  for _, bufnr in ipairs(buffers()) do
    start(bufnr)
  end
end

--- The server ended. We say so in the status line and start it again, within reason.
local function died(code, born)
  vim.schedule(function()
    if born ~= generation or vim.v.exiting ~= vim.NIL then
      return
    end
    restarts = restarts + 1
    if restarts > config.options.restarts_max then
      local message = ('the server ended with %d; :Plum restart, :Plum log'):format(code)
      status.take({ busy = false, kind = 'Error', message = message })
      return
    end
    status.take({ busy = true, kind = 'Warning', message = 'the server died; starting it again' })
    vim.defer_fn(start_all, 200 * restarts)
    vim.defer_fn(function()
      restarts = 0
    end, stable_ms)
  end)
end

--- Starts the server's process. A function, so that the command is looked for when it is needed.
local function start_process(dispatchers)
  local command = config.command()
  assert(command, 'plum: no server; see :checkhealth plum')
  local argv = vim.list_extend(vim.deepcopy(command), {
    'serve',
    '--log-level',
    config.options.log_level,
    '--log-file',
    config.log_file(),
  })
  local born = generation
  -- Neovim would stop the user with a message to be confirmed for each end of a server that is not 0.
  local quiet = vim.tbl_extend('force', dispatchers, {
    on_exit = function(code)
      died(code, born)
      dispatchers.on_exit(0, 0)
    end,
  })
  -- Not in the project's folder, from which Python and relative entries of $PYTHONPATH would import.
  local apart = { cwd = vim.uv.os_homedir(), env = { PYTHONSAFEPATH = '1' } }
  local rpc = sync.followed(vim.lsp.rpc.start(argv, quiet, apart))
  return config.engine() == 'native' and require('plum.native').watched(rpc) or rpc
end

--- Tell Neovim about the server; it starts with the first buffer of its filetypes.
function M.enable()
  local engine = require('plum.' .. (config.engine() == 'native' and 'native' or 'ghost'))
  local base = vim.lsp.protocol.make_client_capabilities()
  vim.lsp.config(name, {
    cmd = start_process,
    filetypes = config.options.filetypes,
    root_markers = config.options.root_markers,
    capabilities = vim.tbl_deep_extend('force', base, wire.capabilities()),
    init_options = { plum = config.options.settings },
    settings = { plum = config.options.settings },
    -- Edits are told by `plum.sync`; Neovim has nothing to put off.
    flags = { debounce_text_changes = 0 },
    handlers = {
      didChangeStatus = status.on_change,
      ['plum/didChangeOffer'] = function(...)
        require('plum.changes').on_change(...)
      end,
      ['window/showMessage'] = status.on_message,
      ['window/showMessageRequest'] = status.on_question,
    },
    on_attach = function(client, bufnr)
      engine.attach(bufnr, client)
    end,
  })
  if not config.command() then
    status.take({ busy = false, kind = 'Error', message = 'plum-lsp was not found; see :checkhealth plum' })
    return
  end
  vim.lsp.enable(name)
end

--- Stop the server and start a fresh one.
function M.restart()
  generation = generation + 1
  for _, client in ipairs(vim.lsp.get_clients({ name = name })) do
    client:stop(true)
  end
  status.take({ busy = true, kind = 'Normal', message = 'restarting' })
  vim.defer_fn(function()
    restarts = 0
    start_all()
  end, 300)
end

--- Push settings on top of the user's own.
---@param more table
function M.configure(more)
  for _, client in ipairs(vim.lsp.get_clients({ name = name })) do
    local settings = vim.tbl_deep_extend('force', vim.deepcopy(config.options.settings), more)
    client.settings = { plum = settings }
    client:notify('workspace/didChangeConfiguration', { settings = client.settings })
  end
end

return M
