-- Defines :Plum and the <Plug> mappings; loads the rest when they are used.
if vim.g.loaded_plum then
  return
end
vim.g.loaded_plum = true

vim.api.nvim_create_user_command('Plum', function(line)
  require('plum.commands').run(line)
end, {
  nargs = '*',
  bang = true,
  desc = 'plum: completions that were run before you see them',
  complete = function(lead)
    return require('plum.commands').complete(lead)
  end,
})

local function map(name, call)
  -- CTRL-G u first, so that one undo takes back what was inserted and nothing else.
  local undo = name:find('accept') and '<C-G>u' or ''
  local right = ("%s<Cmd>lua require('plum').%s()<CR>"):format(undo, call)
  vim.keymap.set('i', ('<Plug>(plum-%s)'):format(name), right, { silent = true })
end

map('accept', 'accept')
map('accept-word', 'accept_word')
map('accept-line', 'accept_line')
map('next', 'next')
map('previous', 'previous')
map('trigger', 'trigger')
map('dismiss', 'dismiss')
map('reject', 'reject')
map('explain', 'explain')

-- `plum-lsp editor install` writes this module, so that no configuration is needed. What init.lua set up before stays.
local is_installed, options = pcall(require, 'plum.installed')
if is_installed and not require('plum').is_set_up then
  require('plum').setup(options)
end
