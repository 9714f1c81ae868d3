-- Edits a real buffer in every way and at random; what the server would know must be the buffer's text after each.
-- `nvim -l sync.lua SEED`
local root = vim.fs.dirname(vim.fs.dirname(vim.fs.normalize(vim.fn.fnamemodify(arg[0], ':p'))))
vim.opt.runtimepath:prepend(root)
math.randomseed(tonumber(arg[1]))

local sync = require('plum.sync')
local known, messages, checked = {}, {}, 0 ---@type table<string, string>

--- The byte where a line begins; past the last, the end of the text.
local function offset(text, line)
  local at = 1
  for _ = 1, line do
    local _, last = text:find('\r?\n', at)
    if not last then
      return #text + 1
    end
    at = last + 1
  end
  return at
end

--- A server that only keeps the documents, as LSP says; in this process, behind Neovim's own client.
local server = {
  is_closing = function()
    return false
  end,
  terminate = function() end,
  request = function(_, _, callback)
    local sync_options = { openClose = true, change = 2, save = true }
    vim.schedule(function()
      callback(nil, { capabilities = { textDocumentSync = sync_options, positionEncoding = 'utf-8' } })
    end)
    return true, 1
  end,
  notify = function(method, params)
    local uri = vim.tbl_get(params or {}, 'textDocument', 'uri')
    messages[#messages + 1] = method
    if method == 'textDocument/didOpen' then
      known[uri] = params.textDocument.text
    elseif method == 'textDocument/didClose' then
      known[uri] = nil
    elseif method == 'textDocument/didChange' then
      for _, change in ipairs(params.contentChanges) do
        local text = known[uri]
        if change.range then
          local first, last = offset(text, change.range.start.line), offset(text, change.range['end'].line)
          known[uri] = text:sub(1, first - 1) .. change.text .. text:sub(last)
        else
          known[uri] = change.text
        end
      end
    end
    return true
  end,
}

local function text_of(bufnr)
  local ending = vim.bo[bufnr].fileformat == 'dos' and '\r\n' or '\n'
  local text = table.concat(vim.api.nvim_buf_get_lines(bufnr, 0, -1, true), ending)
  return text .. (vim.bo[bufnr].endofline and ending or '')
end

local client ---@type vim.lsp.Client
--- As |vim.lsp.enable()| does it whenever a file was read.
local function attach()
  local id = vim.lsp.start({
    name = 'keeps',
    root_dir = vim.fn.getcwd(),
    flags = { debounce_text_changes = 0 },
    cmd = function()
      return sync.followed(server)
    end,
  })
  client = assert(vim.lsp.get_client_by_id(assert(id)))
end

--- What is unsent goes before any other message.
local function same(what)
  local bufnr = vim.api.nvim_get_current_buf()
  vim.wait(2000, function()
    return client.initialized and known[vim.uri_from_bufnr(bufnr)] ~= nil
  end)
  client:notify('$/setTrace', {})
  checked = checked + 1
  local found = known[vim.uri_from_bufnr(bufnr)]
  if found ~= text_of(bufnr) then
    error(('%s: %s instead of %s'):format(what, vim.inspect(found), vim.inspect(text_of(bufnr))), 0)
  end
end

vim.o.hidden, vim.o.autoread, vim.o.swapfile = true, true, false
local file = vim.fn.tempname() .. '.py'
local lines = vim.split(('one\ntwö = "€"\n\nthree\n'):rep(5) .. 'last', '\n')
vim.fn.writefile(lines, file)
vim.api.nvim_create_autocmd({ 'BufReadPost', 'BufNewFile' }, { pattern = '*.py', callback = attach })
vim.cmd.edit(file)
same('opened')
assert(client.server_capabilities.textDocumentSync.change == 0, 'Neovim would send edits of its own')

local edits = {
  'normal! ggOabove', 'normal! Gobelow', 'normal! Gdd', 'normal! ggdd', 'normal! ggVGd', 'normal! ix = 1',
  'normal! yyp', 'normal! yy5P', 'normal! J', 'normal! >>', 'normal! u', "execute \"normal! \\<C-r>\"",
  'normal! Axé€𝄞', 'silent! %s/e/E/g', 'silent! sort', 'silent! 2,4move 0', 'silent! 1,3copy $', 'silent! g/t/d',
  'silent! 3,$d', 'normal! gg3ddGp', 'silent! %d', 'silent! undo', 'silent! redo', 'silent! write', 'silent! 2join',
  'set fileformat=dos', 'set fileformat=unix', 'set noendofline nofixendofline', 'set endofline',
  'call append(line("$"), ["a", "b"])', 'call append(0, "top")', 'call setline(line("$"), "end")', 'silent! edit!',
} ---@type string[]

for turn = 1, 400 do
  local done = {}
  for _ = 1, math.random(1, 4) do
    local edit = edits[math.random(#edits)]
    vim.cmd('silent! ' .. math.random(1, vim.api.nvim_buf_line_count(0)))
    pcall(vim.cmd, edit)
    done[#done + 1] = edit
  end
  -- An option is told with the next edit, as Neovim itself does it.
  vim.api.nvim_buf_set_lines(0, 0, 1, true, { 'turn ' .. turn })
  same(table.concat(done, ' | '))
end

-- Another program writes the file, and Neovim reads it anew by itself.
vim.cmd('set fileformat=unix endofline | silent write')
vim.wait(1100) -- The time of a file counts in seconds.
vim.fn.writefile(vim.list_extend({ 'written by another program' }, lines), file)
vim.cmd('silent! checktime')
assert(vim.api.nvim_buf_get_lines(0, 0, 1, true)[1] == 'written by another program')
same('read anew')
vim.cmd('normal! Oafter')
same('after it was read anew')

-- Another name, and another file, and back.
vim.cmd('silent saveas! ' .. vim.fn.tempname() .. '.py')
vim.cmd('normal! Orenamed')
vim.cmd('silent write')
same('after another name')
local renamed = vim.api.nvim_get_current_buf()
vim.cmd('silent edit ' .. vim.fn.tempname() .. '.py')
vim.cmd('normal! Oanother')
same('another buffer')
vim.cmd.buffer(renamed)
vim.cmd('normal! Oback')
same('back in the first')

-- Buffers without a name share an address; the one that was opened last is known.
for number = 1, 2 do
  vim.cmd('enew')
  attach()
  vim.cmd('normal! Ounnamed ' .. number)
  same('unnamed ' .. number)
end
vim.cmd.buffer(renamed)

local before = #messages
vim.cmd('normal! Oa pause')
vim.wait(2000, function()
  return #messages > before
end)
assert(messages[#messages] == 'textDocument/didChange', 'a pause tells of edits')
vim.lsp.buf_detach_client(renamed, client.id)
before = #messages
vim.cmd('normal! Oclosed')
vim.wait(300)
assert(#messages == before, 'a closed document was told of')
io.stderr:write('\n' .. vim.json.encode({ checked = checked }) .. '\n')
