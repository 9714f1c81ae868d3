-- Compares what the client writes and reads with the golden messages. `nvim -l golden.lua messages.json`
local file = arg[1]
local root = vim.fs.dirname(vim.fs.dirname(vim.fs.normalize(vim.fn.fnamemodify(arg[0], ':p'))))
vim.opt.runtimepath:prepend(root)

local wire = require('plum.wire')
local text = require('plum.text')
local evidence = require('plum.evidence')
local status = require('plum.status')
local golden = vim.json.decode(table.concat(vim.fn.readfile(file), '\n'))

local checked = 0
local function same(found, wanted, what)
  checked = checked + 1
  if not vim.deep_equal(found, wanted) then
    error(('%s: %s instead of %s'):format(what, vim.inspect(found), vim.inspect(wanted)), 0)
  end
end

local item = golden.inlineCompletionList.items[1]
local id = golden.executeCommand.accept.arguments[1]
same(wire.capabilities().experimental, golden.capabilities.experimental, 'capabilities')
same(wire.offer_id(item), id, 'offer id')
same(wire.offer_id({ insertText = 'x' }), nil, 'an item of somebody else')
same(wire.shown(item), golden.didShowCompletion, 'shown')
same(wire.shown(item, 'verified'), golden.didShowLabel, 'a new label')
same(golden.didChangeOffer[1].explanation.tier, 'verified', 'what a label change brings')
same(golden.didChangeOffer[2].kind, 'withdrawn', 'a withdrawal')
same(wire.partly_accepted(item, #golden.partlyAcceptedText), golden.didPartiallyAcceptCompletion, 'partly accepted')
same(wire.command('plum.accept', id), golden.executeCommand.accept, 'accept')
same(wire.command('plum.reject', id, 'too long'), golden.executeCommand.reject, 'reject')
same(wire.command('plum.close', id), golden.executeCommand.close, 'close')
same(wire.command('plum.explain', id), golden.executeCommand.explain, 'explain')
local trust = golden.executeCommand.trust
same(wire.command('plum.trust', trust.arguments[1]), trust, 'trust')
same(text.rest(text.plain(item.insertText), golden.partlyAcceptedText), 'return sign', 'what is left')
same(text.word('  return a'), '  return', 'a word')
same(text.word('(a, b)'), '(', 'a sign')
same(text.line('\n    b = 1\nc'), '\n    b = 1', 'a line')
same(evidence.lines(golden.explanation.offer)[1], '**verified**: passes 1 of 1 test', 'evidence')
same(evidence.lines(golden.explanation.abstention)[1], golden.explanation.abstention.markdown, 'no evidence')
for _, message in ipairs(golden.didChangeStatus) do
  status.on_change(nil, message)
  same(status.last.message, message.message, 'status')
end
io.stderr:write('\n' .. vim.json.encode({ checked = checked }) .. '\n')
