--- `:checkhealth plum`.
local M = {}

local doctor_ms_max = 60000

local function check_server()
  local health = vim.health
  local command, source = require('plum.config').command()
  if not command then
    health.error('plum-lsp was not found', {
      'Run `make setup` in a clone of plum-lsp, and',
      "set cmd = { '/path/to/plum-lsp/.venv/bin/plum-lsp' } in setup(), or put it on $PATH.",
    })
    return
  end
  health.ok(('server: %s (from %s)'):format(command[1], source))
  local done = vim.system({ command[1], 'doctor' }, { text = true, timeout = doctor_ms_max }):wait()
  local lines = vim.trim((done.stdout or '') .. (done.stderr or ''))
  if done.code == 0 then
    health.ok('plum-lsp doctor:\n' .. lines)
  else
    health.warn('plum-lsp doctor found something:\n' .. lines, { 'See :Plum doctor' })
  end
end

--- Check the editor, the server and the connection.
function M.check()
  local health, config = vim.health, require('plum.config')
  health.start('plum')
  if vim.fn.has('nvim-0.11') == 1 then
    health.ok(('Neovim %s, engine: %s'):format(tostring(vim.version()), config.engine()))
  else
    health.error('Neovim 0.11 or newer is needed')
  end
  check_server()
  local clients = vim.lsp.get_clients({ name = 'plum' })
  if #clients == 0 then
    health.info('no server runs: it starts with the first Python buffer')
  end
  for _, client in ipairs(clients) do
    local version = client.server_info and client.server_info.version or '?'
    health.ok(('server %s runs for %d buffer(s)'):format(version, #vim.tbl_keys(client.attached_buffers)))
  end
  health.info('status: ' .. require('plum.status').text())
  health.info('log: ' .. config.log_file())
  if vim.fn.maparg('<Plug>(plum-accept)', 'i') == '' then
    health.error('the mappings are missing', { 'Is plugin/plum.lua on the runtime path?' })
  elseif vim.fn.hasmapto('<Plug>(plum-accept)', 'i') == 0 and not config.options.tab then
    health.warn('no key accepts an offer', { 'See :help plum-mappings, or set tab = true in setup().' })
  end
end

return M
