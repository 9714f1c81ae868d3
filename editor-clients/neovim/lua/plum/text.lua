--- Pure arithmetic on offers: lines, UTF-16 lengths, what is left after typing. Touches no buffer.
local M = {}

--- The text with `\n` line ends: buffers hold lines, whatever the file's line ends are.
---@param text string
---@return string
function M.plain(text)
  return (text:gsub('\r\n', '\n'):gsub('\r', '\n'))
end

--- How many UTF-16 units the first `bytes` bytes of the plain text are in `insert_text` as the server sent it.
---@param insert_text string
---@param bytes integer Counted in `M.plain(insert_text)`.
---@return integer
function M.utf16_length(insert_text, bytes)
  local part = M.plain(insert_text):sub(1, bytes)
  local units = vim.str_utfindex(part, 'utf-16')
  if insert_text:find('\r\n', 1, true) then
    units = units + select(2, part:gsub('\n', ''))
  end
  return units
end

--- What is left of an offer once `typed` stands in its place; nil if something else was typed.
---@param text string Plain.
---@param typed string
---@return string?
function M.rest(text, typed)
  if vim.startswith(text, typed) then
    return text:sub(#typed + 1)
  end
  return nil
end

--- The beginning of `rest` that "accept a word" takes: blanks and line ends, then one word or one run of signs.
---@param rest string
---@return string
function M.word(rest)
  local blank = rest:match('^%s*') or ''
  local after = rest:sub(#blank + 1)
  return blank .. (after:match('^[%w_\128-\255]+') or after:match('^[^%w_%s\128-\255]+') or '')
end

--- The beginning of `rest` that "accept a line" takes: up to the first line end that has something before it.
---@param rest string
---@return string
function M.line(rest)
  return rest:match('^\n*[^\n]*') or rest
end

return M
