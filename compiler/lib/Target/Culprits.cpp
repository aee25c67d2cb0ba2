//===- Culprits.cpp - which instruction does the chip lack ----------------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// A fatal error of LLVM names an intrinsic at best ("Cannot select: intrinsic
// %llvm.nvvm.ff.to.ue8m0x2.rp.satfinite") and often nothing ("Do not know how
// to split the result of this operator!"), never a source line. So compile
// each distinct instruction of the module by itself, in a function whose
// parameters are its operands, and see which of them fail.
//
//===----------------------------------------------------------------------===//

#include "Codegen.h"

#include "mlir/IR/MLIRContext.h"
#include "llvm/ADT/StringSet.h"
#include "llvm/IR/Constants.h"
#include "llvm/IR/DebugInfoMetadata.h"
#include "llvm/IR/Function.h"
#include "llvm/IR/IRBuilder.h"
#include "llvm/IR/Instructions.h"
#include "llvm/IR/Module.h"
#include "llvm/Support/raw_ostream.h"

using namespace llvm;

namespace tilewright::target {

/// Whether `instruction` can stand alone and may fail in the back end. Inline
/// PTX passes through it; its errors are ptxas's.
static bool canProbe(const Instruction &instruction) {
  if (isa<PHINode, AllocaInst>(instruction) || instruction.isTerminator() ||
      instruction.isDebugOrPseudoInst())
    return false;
  if (auto *call = dyn_cast<CallBase>(&instruction))
    if (!call->getCalledFunction() || call->hasOperandBundles())
      return false;
  for (const Value *operand : instruction.operands())
    if (operand->getType()->isMetadataTy() || operand->getType()->isTokenTy())
      return false;
  return true;
}

/// Plain values stay; what belongs to the module becomes a parameter.
static bool staysConstant(const Value *operand) {
  return isa<ConstantData>(operand);
}

/// Instructions with the same key get the same code up to register names.
static std::string keyOf(const Instruction &instruction) {
  std::string key;
  raw_string_ostream os(key);
  os << instruction.getOpcodeName() << ' ' << *instruction.getType();
  for (const Value *operand : instruction.operands()) {
    os << ' ' << *operand->getType();
    if (staysConstant(operand) || isa<Function>(operand)) {
      os << ' ';
      operand->printAsOperand(os, /*PrintType=*/false);
    }
  }
  if (auto *compare = dyn_cast<CmpInst>(&instruction))
    os << compare->getPredicate();
  if (auto *atomic = dyn_cast<AtomicRMWInst>(&instruction))
    os << atomic->getOperation();
  return key;
}

/// A module with one function that does nothing but `instruction`.
static std::string probeFor(const Instruction &instruction) {
  const Module &source = *instruction.getModule();
  LLVMContext &context = source.getContext();
  Module probe("probe", context);
  probe.setTargetTriple(source.getTargetTriple());
  probe.setDataLayout(source.getDataLayout());

  const Function *callee = nullptr;
  if (auto *call = dyn_cast<CallBase>(&instruction))
    callee = call->getCalledFunction();

  SmallVector<Type *> parameters = {PointerType::get(context, 0)};
  for (const Value *operand : instruction.operands())
    if (operand != callee && !staysConstant(operand))
      parameters.push_back(operand->getType());
  Function *function = Function::Create(
      FunctionType::get(Type::getVoidTy(context), parameters, false),
      GlobalValue::ExternalLinkage, "probe", probe);
  IRBuilder<> builder(BasicBlock::Create(context, "", function));

  Instruction *copy = instruction.clone();
  copy->dropUnknownNonDebugMetadata();
  copy->setDebugLoc(DebugLoc());
  unsigned next = 1;
  for (Use &use : copy->operands()) {
    if (use.get() == callee) {
      Function *declaration = Function::Create(callee->getFunctionType(),
                                               GlobalValue::ExternalLinkage,
                                               callee->getName(), probe);
      declaration->setAttributes(callee->getAttributes());
      use.set(declaration);
    } else if (!staysConstant(use.get())) {
      use.set(function->getArg(next++));
    }
  }
  builder.Insert(copy);
  // An unused result would be deleted with its instruction.
  if (!copy->getType()->isVoidTy())
    builder.CreateStore(copy, function->getArg(0));
  builder.CreateRetVoid();
  return printModule(probe);
}

/// The source position of `instruction`, else that of its function.
static mlir::Location locationOf(const Instruction &instruction,
                                 mlir::Location fallback) {
  mlir::MLIRContext *context = fallback.getContext();
  if (const DILocation *position = instruction.getDebugLoc().get())
    return mlir::FileLineColLoc::get(context, position->getFilename(),
                                     position->getLine(),
                                     position->getColumn());
  if (const DISubprogram *subprogram =
          instruction.getFunction()->getSubprogram())
    return mlir::FileLineColLoc::get(context, subprogram->getFilename(),
                                     subprogram->getLine(), 1);
  return fallback;
}

std::vector<Culprit> findCulprits(Module &module, const CodegenRequest &request,
                                  StringRef message, mlir::Location fallback) {
  std::vector<Culprit> culprits;
  StringSet<> seen;
  for (Function &function : module)
    for (BasicBlock &block : function)
      for (Instruction &instruction : block) {
        if (!canProbe(instruction) || !seen.insert(keyOf(instruction)).second)
          continue;
        std::optional<std::string> reason =
            tryCodegen(probeFor(instruction), request);
        if (!reason)
          continue;
        std::string what = instruction.getOpcodeName();
        if (auto *call = dyn_cast<CallBase>(&instruction))
          what = call->getCalledFunction()->getName().str();
        culprits.push_back({what, *reason, locationOf(instruction, fallback)});
      }
  // Out of context an instruction may fail for a reason of its own: believe
  // intrinsics of the chip, and those that fail as the whole did.
  bool same = any_of(culprits, [&](const Culprit &culprit) {
    return culprit.message == message;
  });
  if (same)
    erase_if(culprits, [&](const Culprit &culprit) {
      return culprit.message != message &&
             !StringRef(culprit.what).starts_with("llvm.nvvm.");
    });
  return culprits;
}

} // namespace tilewright::target
