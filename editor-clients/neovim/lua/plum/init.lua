--- plum-lsp in Neovim: completions that were run before you see them. See |plum|.
local config = require('plum.config')

local M = {
  is_set_up = false,
}

local function engine()
  return require('plum.' .. (config.engine() == 'native' and 'native' or 'ghost'))
end

local function here()
  return vim.api.nvim_get_current_buf()
end

--- Take options and serve Python buffers, those that are open and those to come.
---@param options? table See |plum-options|.
function M.setup(options)
  if vim.fn.has('nvim-0.11') == 0 then
    vim.notify('plum needs Neovim 0.11 or newer', vim.log.levels.ERROR)
    return
  end
  config.take(options)
  M.is_set_up = true
  local draw = require('plum.draw')
  draw.define_highlights()
  vim.api.nvim_create_autocmd('ColorScheme', { callback = draw.define_highlights })
  if config.options.tab then
    require('plum.tab').map(M.is_visible)
  end
  require('plum.help').index()
  require('plum.client').enable()
end

--- Whether an offer is drawn.
---@return boolean
function M.is_visible()
  return engine().current(here()) ~= nil
end

--- Insert the whole offer; false if there is none.
function M.accept()
  return engine().accept(here())
end

--- Insert the next word of the offer.
function M.accept_word()
  return engine().accept(here(), require('plum.text').word)
end

--- Insert the next line of the offer.
function M.accept_line()
  return engine().accept(here(), require('plum.text').line)
end

--- Draw the next offer for the same place.
function M.next()
  engine().cycle(here(), 1)
end

--- Draw the offer before it.
function M.previous()
  engine().cycle(here(), -1)
end

--- Ask for an offer now.
function M.trigger()
  engine().trigger(here())
end

--- Close the offer; false if there is none. This is no judgement.
---@return boolean
function M.dismiss()
  local item = engine().close(here())
  if item then
    require('plum.report').dismissed(here(), item)
  end
  return item ~= nil
end

--- Turn the offer down, and say why if you like; false if there is none.
---@param reason? string
---@return boolean
function M.reject(reason)
  local item = engine().close(here())
  if item then
    require('plum.report').rejected(here(), item, reason)
  end
  return item ~= nil
end

--- Show the evidence for the offer, or why there is none.
function M.explain()
  require('plum.evidence').show(here(), engine().current(here()))
end

--- For lualine and the like.
function M.status()
  return require('plum.status').text()
end

--- For 'statusline', with clicks.
function M.statusline()
  return require('plum.status').component()
end

return M
