//===- Parser.h - recursive descent over the tokens -------------*- C++ -*-===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// One function for each production of docs/language.md. A function that fails
// has reported why; it returns null (or false) and leaves the position at the
// token it could not use. Statements recover: the block parser skips to the
// next statement and goes on, so that one run reports several errors.
//
//===----------------------------------------------------------------------===//
#ifndef TILEWRIGHT_DSL_PARSER_H
#define TILEWRIGHT_DSL_PARSER_H

#include "Lexer.h"
#include "tilewright/DSL/AST.h"
#include "llvm/ADT/SmallVector.h"

namespace tilewright::dsl {

class Parser {
public:
  Parser(std::vector<Token> tokens, ASTContext &context, Diagnostics &diags)
      : tokens(std::move(tokens)), context(context), diags(diags) {}

  File parseFile();

private:
  //===--- Tokens --------------------------------------------------------===//
  const Token &peek(unsigned ahead = 0) const {
    return tokens[std::min(pos + ahead, tokens.size() - 1)];
  }
  bool at(Tok kind) const { return peek().kind == kind; }
  /// The name `word` (never a keyword), which has a meaning in this place.
  bool atWord(llvm::StringRef word, unsigned ahead = 0) const {
    return peek(ahead).kind == Tok::Ident && peek(ahead).text == word;
  }
  Token take() {
    Token token = peek();
    if (pos + 1 < tokens.size())
      ++pos;
    return token;
  }
  bool accept(Tok kind) {
    if (!at(kind))
      return false;
    take();
    return true;
  }
  bool acceptWord(llvm::StringRef word) {
    if (!atWord(word))
      return false;
    take();
    return true;
  }
  /// `where` ends the message: "expected ')' after the arguments".
  bool expect(Tok kind, const llvm::Twine &where);
  bool expectName(Ident &ident, const llvm::Twine &what);
  bool fail(const llvm::Twine &message);
  llvm::SMLoc lastEnd() const {
    return pos ? tokens[pos - 1].end() : tokens[0].loc();
  }
  static Ident ident(const Token &token) { return {token.text, token.loc()}; }

  //===--- Recovery ------------------------------------------------------===//
  /// Skips to a token that starts a statement of the current block (or its
  /// closing brace), over whole braces.
  /// `begin` is the position where the failed statement began.
  void skipStatement(size_t begin);
  /// Skips to the next `kernel`.
  void skipToKernel();
  /// A nesting level; `ok` is false (and an error reported) beyond the limit.
  struct Level {
    explicit Level(Parser &parser);
    ~Level() { --parser.depth; }
    Parser &parser;
    bool ok;
  };

  //===--- Files and kernels (Parser.cpp) --------------------------------===//
  KernelDecl *parseKernel();
  bool parseConstParam(llvm::SmallVectorImpl<ConstParam> &params);
  bool parseTensorParam(llvm::SmallVectorImpl<TensorParam> &params);
  Stmt *parseTiles();
  Stmt *parseSchedule();
  Stmt *parsePipe();
  bool parsePipeOptions(PipeStmt *pipe);
  bool parseFields(PipeStmt *pipe);
  Stmt *parseCounter();
  Stmt *parseRole();
  Stmt *parseFn();
  Stmt *parseConst();
  Stmt *parseTune();
  Stmt *parseRequire();

  //===--- Statements (ParseStmt.cpp) ------------------------------------===//
  BlockStmt *parseBlock(const llvm::Twine &what);
  Stmt *parseBody();
  Stmt *parseStatement();
  Stmt *parseFor();
  Stmt *parseIf();
  Stmt *parseWhen();
  Stmt *parsePut();
  Stmt *parseEach();
  Stmt *parseAwait();
  Stmt *parseBarrier();
  Stmt *parseNamed();
  Stmt *parseYield();
  Expr *parseRange();
  bool parseKeys(llvm::SmallVectorImpl<Expr *> &keys);
  bool parseTilesOptions(llvm::SmallVectorImpl<TilesOption> &options);
  bool parseHints(llvm::SmallVectorImpl<Hint> &hints);
  bool startsStatement(unsigned ahead) const;

  //===--- Expressions (ParseExpr.cpp) -----------------------------------===//
  Expr *parseValue();
  Expr *parseExpr() { return parseOr(); }
  Expr *parseOr();
  Expr *parseAnd();
  Expr *parseNot();
  Expr *parseCompare();
  Expr *parseSum();
  Expr *parseProduct();
  Expr *parseUnary();
  Expr *parsePostfix();
  Expr *parseAtom();
  Expr *parseCall();
  Expr *parseView();
  Expr *parseGet();
  /// An atom: what follows '@', 'major', 'every' or a hint.
  Expr *parseSmallAtom(const llvm::Twine &what);
  bool parseExprList(llvm::SmallVectorImpl<Expr *> &list, Tok close,
                     const llvm::Twine &what, bool values = false);
  bool parseBinders(llvm::SmallVectorImpl<AxisBinder> &binders, Tok close,
                    bool needExtent, const llvm::Twine &what);
  /// `bf16`, `e4m3[m: BM]` (tile) or `e4m3[M, K]` (tensor).
  TypeSyntax *parseType(bool tensor);
  std::optional<std::string> unescape(const Token &token);

  /// Makes a node one level above `children`; an error beyond the limit.
  template <typename T>
  Expr *finish(T *node, std::initializer_list<Expr *> children,
               llvm::ArrayRef<Expr *> more = {}) {
    unsigned height = 0;
    for (Expr *child : children)
      if (child)
        height = std::max<unsigned>(height, child->height);
    for (Expr *child : more)
      height = std::max<unsigned>(height, child->height);
    if (height + 1 > Expr::maxHeight) {
      diags.error(node->loc, "expression is nested too deeply (more than " +
                                 llvm::Twine(Expr::maxHeight) + " levels)");
      return nullptr;
    }
    node->height = height + 1;
    return node;
  }

  std::vector<Token> tokens;
  size_t pos = 0;
  unsigned depth = 0;
  static constexpr unsigned maxDepth = 150;
  ASTContext &context;
  Diagnostics &diags;
};

} // namespace tilewright::dsl

#endif // TILEWRIGHT_DSL_PARSER_H
