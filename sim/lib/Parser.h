//===- Parser.h - The state of parsing one PTX module ---------------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#ifndef TILEWRIGHT_SIM_PARSER_H
#define TILEWRIGHT_SIM_PARSER_H

#include "Lexer.h"
#include "tilewright/Sim/Program.h"
#include "llvm/ADT/StringMap.h"
#include "llvm/Support/Error.h"

namespace tilewright::sim {

/// Parses PTX text into a program, one entry of it. The functions are in
/// Parser.cpp (modules, entries, statements), ParseDeclarations.cpp
/// (parameters, variables, registers) and ParseInstruction.cpp (operands and
/// instructions).
class Parser {
public:
  Parser(llvm::StringRef text, llvm::StringRef entry)
      : lexer(text), wanted(entry) {}
  llvm::Expected<Program> parse();

private:
  llvm::Error fail(const llvm::Twine &message) {
    return fail(message, lexer.peek().line);
  }
  llvm::Error fail(const llvm::Twine &message, unsigned ptxLine) {
    SourceLine at = loc;
    at.ptxLine = ptxLine;
    return llvm::createStringError(program.where(at) + ": " + message);
  }
  llvm::Error expect(llvm::StringRef spelling) {
    if (lexer.accept(spelling))
      return llvm::Error::success();
    return fail("expected '" + spelling + "', found '" + lexer.peek().text +
                "'");
  }

  llvm::Error parseTop();
  llvm::Error parseEntry();
  llvm::Error parseParams();
  llvm::Error parseBody();
  llvm::Error parseStatement();
  llvm::Error parseRegisters();
  llvm::Error parseVariable(bool isExtern);
  llvm::Error parseModuleVariable();
  llvm::Error parseInitializer(unsigned element, std::vector<uint8_t> &bytes,
                               uint64_t &next);
  llvm::Error parseBranchTargets();
  llvm::Error resolveTargets(Inst &inst);
  llvm::Error parseInstruction();
  llvm::Expected<Operand> parseOperand(bool inVector = false);
  llvm::Expected<Operand> parseName(llvm::StringRef name);
  llvm::Expected<uint64_t> parseNumber();
  llvm::Error parseFile();
  void parseLoc();
  llvm::Error skipBraces();
  llvm::Error resolve();

  struct Symbol {
    uint64_t value = 0;
  };
  uint32_t *findRegister(llvm::StringRef name) {
    for (auto it = scopes.rbegin(); it != scopes.rend(); ++it)
      if (auto found = it->find(name); found != it->end())
        return &found->second;
    return nullptr;
  }

  Lexer lexer;
  llvm::StringRef wanted;
  Program program;
  bool found = false;
  uint32_t sharedNext = sharedBase, dynamicAlign = 16;
  std::vector<std::string> dynamicNames;
  std::vector<llvm::StringMap<uint32_t>> scopes;
  llvm::StringMap<Symbol> symbols;
  llvm::StringMap<uint32_t> labels;
  std::string lastLabel;
  llvm::StringMap<std::vector<std::string>> branchTables;
  SourceLine loc;
  bool doubles = false; ///< The instruction being parsed is of f64.
};

} // namespace tilewright::sim

#endif // TILEWRIGHT_SIM_PARSER_H
