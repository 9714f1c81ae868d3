--- `:Plum`, its subcommands and their completion.
local M = {}

local function plum()
  return require('plum')
end

--- Run the server's command line in a terminal below.
local function in_terminal(...)
  local command = require('plum.config').command()
  if not command then
    vim.notify('plum-lsp was not found; see :checkhealth plum', vim.log.levels.ERROR)
    return
  end
  vim.cmd('botright 15new')
  vim.fn.jobstart(vim.list_extend({ command[1] }, { ... }), { term = true })
end

local function pause(everywhere, is_paused)
  if everywhere then
    require('plum.client').configure({ privacy = { paused = is_paused } })
    return
  end
  require('plum.status').pause(vim.api.nvim_get_current_buf(), is_paused)
  if is_paused then
    plum().dismiss()
  end
end

---@type table<string, { run: fun(argument: string, bang: boolean), about: string }>
M.subcommands = {
  trigger = {
    about = 'ask for an offer now',
    run = function()
      plum().trigger()
    end,
  },
  accept = {
    about = 'insert the offer',
    run = function()
      plum().accept()
    end,
  },
  next = {
    about = 'show another offer',
    run = function()
      plum().next()
    end,
  },
  previous = {
    about = 'show the offer before',
    run = function()
      plum().previous()
    end,
  },
  reject = {
    about = 'turn the offer down, with a reason if you like',
    run = function(reason)
      if not plum().reject(reason) then
        vim.notify('plum: nothing is offered', vim.log.levels.INFO)
      end
    end,
  },
  explain = {
    about = 'the evidence for the offer, or why there is none',
    run = function()
      plum().explain()
    end,
  },
  pause = {
    about = 'offer nothing in this buffer; with ! in none',
    run = function(_, bang)
      pause(bang, true)
    end,
  },
  resume = {
    about = 'offer again in this buffer; with ! everywhere',
    run = function(_, bang)
      pause(bang, false)
    end,
  },
  status = {
    about = 'what plum is doing',
    run = function()
      local status = require('plum.status')
      vim.notify(table.concat(vim.list_extend({ status.text(true) }, status.messages), '\n'))
    end,
  },
  report = {
    about = 'the last request as it was recorded: candidates, tests, verdicts, outcome',
    run = function()
      in_terminal('explain')
    end,
  },
  doctor = {
    about = 'check every part',
    run = function()
      in_terminal('doctor')
    end,
  },
  fetch = {
    about = 'fetch the model of your settings, if it is not here',
    run = function()
      in_terminal('model', 'fetch')
    end,
  },
  trust = {
    about = "let this project's packages, modules and tests run in the sandbox",
    run = function()
      require('plum.report').trust(vim.api.nvim_get_current_buf(), function(result)
        local folder, problem = result and result.trusted or '', result and result.problem or 'the server does not run'
        require('plum.status').tell(folder ~= '' and 'plum: trusted ' .. folder or 'plum: not trusted. ' .. problem)
      end)
    end,
  },
  log = {
    about = "open the server's log",
    run = function()
      vim.cmd.split(vim.fn.fnameescape(require('plum.config').log_file()))
    end,
  },
  restart = {
    about = 'stop the server and start a fresh one',
    run = function()
      require('plum.client').restart()
    end,
  },
}

--- Run one.
function M.run(line)
  local name, bang, argument = line.args:match('^([%w_]*)(!?)%s*(.*)$')
  local subcommand = M.subcommands[name == '' and 'status' or name]
  if not subcommand then
    vim.notify(('plum: there is no command %q; see :help :Plum'):format(name), vim.log.levels.ERROR)
    return
  end
  subcommand.run(argument, line.bang or bang == '!')
end

--- The names that begin with what is typed.
function M.complete(lead)
  local names = vim.tbl_keys(M.subcommands)
  table.sort(names)
  return vim.tbl_filter(function(name)
    return vim.startswith(name, lead)
  end, names)
end

return M
