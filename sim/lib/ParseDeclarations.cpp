//===- ParseDeclarations.cpp - PTX parameters, variables, registers -------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "Parser.h"
#include "llvm/ADT/StringExtras.h"
#include "llvm/Support/MathExtras.h"

using namespace tilewright::sim;
using llvm::Error;
using llvm::StringRef;

static unsigned typeBytes(StringRef type) {
  unsigned bits = 0;
  if (type.find_first_of("0123456789") == StringRef::npos)
    return 0;
  if (type.drop_front(type.find_first_of("0123456789")).getAsInteger(10, bits))
    return 0;
  return bits / 8;
}

Error Parser::parseVariable(bool isExtern) {
  bool isLocal = lexer.take().is(".local");
  uint64_t align = 1, bytes = 0;
  if (lexer.accept(".align")) {
    auto value = parseNumber();
    if (!value)
      return value.takeError();
    align = *value;
  }
  unsigned element = typeBytes(lexer.take().text);
  if (!element || !align)
    return fail("malformed variable");
  align = std::max<uint64_t>(align, element);
  std::string name = lexer.take().text.str();
  bytes = element;
  bool isDynamic = false;
  while (lexer.accept("[")) {
    if (lexer.accept("]")) {
      isDynamic = true;
      break;
    }
    auto value = parseNumber();
    if (!value)
      return value.takeError();
    bytes *= *value;
    if (Error error = expect("]"))
      return error;
  }
  if (Error error = expect(";"))
    return error;
  if (isLocal) {
    program.localBytes = (program.localBytes + align - 1) / align * align;
    symbols[name].value = program.localBytes;
    program.localBytes += bytes;
  } else if (isDynamic && isExtern) {
    // All dynamic arrays share one address, known once every static is.
    dynamicAlign = std::max<uint32_t>(dynamicAlign, align);
    dynamicNames.push_back(name);
    symbols[name].value = sharedBase;
  } else if (isExtern || isDynamic) {
    return fail("shared variable '" + llvm::Twine(name) +
                "' is external, but not a dynamic array");
  } else {
    sharedNext = (sharedNext + align - 1) / align * align;
    symbols[name].value = sharedNext;
    sharedNext += bytes;
  }
  return Error::success();
}

/// The values behind `=`: a number, or numbers in braces, nested or not.
Error Parser::parseInitializer(unsigned element, std::vector<uint8_t> &bytes,
                               uint64_t &next) {
  if (lexer.accept("{")) {
    while (!lexer.accept("}")) {
      if (Error error = parseInitializer(element, bytes, next))
        return error;
      if (!lexer.accept(",") && !lexer.peek().is("}"))
        return fail("expected ',' or '}', found '" + lexer.peek().text + "'");
    }
    return Error::success();
  }
  auto value = parseNumber();
  if (!value)
    return value.takeError();
  if (next + element > bytes.size())
    return fail("more values than the variable has elements");
  std::memcpy(&bytes[next], &*value, element);
  next += element;
  return Error::success();
}

/// .global and .const variables: [.align A] .type name [N]... [= values];
Error Parser::parseModuleVariable() {
  bool isConst = lexer.take().is(".const");
  uint64_t align = 1;
  if (lexer.accept(".align")) {
    auto value = parseNumber();
    if (!value)
      return value.takeError();
    align = *value;
  }
  unsigned element = typeBytes(lexer.take().text);
  if (!element || !align || (align & (align - 1)))
    return fail("malformed variable");
  align = std::max<uint64_t>(align, element);
  std::string name = lexer.take().text.str();
  uint64_t size = element;
  while (lexer.accept("[")) {
    auto value = parseNumber();
    if (!value)
      return value.takeError();
    if (*value > (uint64_t(1) << 32) / size)
      return fail("a variable of more than 4 GiB");
    size *= *value;
    if (Error error = expect("]"))
      return error;
  }
  std::vector<uint8_t> bytes(size);
  uint64_t next = 0;
  if (lexer.accept("="))
    if (Error error = parseInitializer(element, bytes, next))
      return error;
  if (isConst) {
    uint64_t at = llvm::alignTo(program.constants.size(), align);
    program.constants.resize(at);
    llvm::append_range(program.constants, bytes);
    symbols[name].value = at;
    // PTX ISA, "Constant State Space": 64 KiB that the module may lay out.
    if (program.constants.size() > 65536)
      return fail("more than 64 KiB of .const variables");
  } else {
    // As allocations, variables lie apart, so that running out of one is found.
    uint64_t at = program.globals.empty()
                      ? moduleVariables
                      : program.globals.back().address +
                            program.globals.back().bytes.size() + 4096;
    at = llvm::alignTo(at, std::max<uint64_t>(align, 256));
    symbols[name].value = at;
    program.globals.push_back({name, at, std::move(bytes)});
  }
  return expect(";");
}

/// `label: .branchtargets a, b, c;`: where a brx.idx goes.
Error Parser::parseParams() {
  if (!lexer.accept("("))
    return Error::success();
  while (!lexer.accept(")")) {
    if (Error error = expect(".param"))
      return error;
    uint64_t align = 0, size = 0;
    std::string name;
    // .param [.align A] .type [.ptr [.space] [.align A]] name [N]
    while (!lexer.peek().is(",") && !lexer.peek().is(")")) {
      Token token = lexer.take();
      if (token.kind == Token::End)
        return fail("unfinished parameter list");
      if (token.is(".align")) {
        auto value = parseNumber();
        if (!value)
          return value.takeError();
        if (!size) // Behind .ptr it is the pointee's.
          align = *value;
      } else if (token.is("[")) {
        auto value = parseNumber();
        if (!value)
          return value.takeError();
        size *= *value;
        if (Error error = expect("]"))
          return error;
      } else if (token.kind == Token::Word && token.text.starts_with(".")) {
        if (!size)
          size = typeBytes(token.text);
      } else {
        name = token.text.str();
      }
    }
    lexer.accept(",");
    if (!size || name.empty())
      return fail("malformed parameter");
    align = std::max<uint64_t>(align, std::min<uint64_t>(size, 8));
    if (size > 8 && align > 128)
      return fail("parameter alignment above 128");
    uint32_t offset = (program.paramBytes + align - 1) / align * align;
    program.params.push_back({name, offset, uint32_t(size)});
    program.paramBytes = offset + size;
    symbols[name].value = offset;
  }
  return Error::success();
}

Error Parser::parseRegisters() {
  lexer.take();
  StringRef type = lexer.take().text;
  if (!type.starts_with("."))
    return fail("malformed .reg");
  do {
    std::string name = lexer.take().text.str();
    if (lexer.accept("<")) {
      auto count = parseNumber();
      if (!count)
        return count.takeError();
      if (*count > 1000000)
        return fail("too many registers");
      if (Error error = expect(">"))
        return error;
      for (uint64_t i = 0; i < *count; ++i)
        scopes.back()[name + std::to_string(i)] = program.registers++;
    } else {
      scopes.back()[name] = program.registers++;
    }
  } while (lexer.accept(","));
  return expect(";");
}
