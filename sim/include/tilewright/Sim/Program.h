//===- Program.h - Decoded PTX --------------------------------------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#ifndef TILEWRIGHT_SIM_PROGRAM_H
#define TILEWRIGHT_SIM_PROGRAM_H

#include "llvm/ADT/StringMap.h"
#include "llvm/ADT/StringRef.h"
#include "llvm/Support/Error.h"
#include <array>
#include <cstdint>
#include <string>
#include <vector>

namespace tilewright::sim {

class Warp;
struct Inst;

/// Where an instruction comes from: `.loc` of the PTX, and the line of the PTX.
struct SourceLine {
  unsigned file = 0, line = 0, column = 0, ptxLine = 0;
};

/// What a handler tells the scheduler.
enum class Step : uint8_t {
  Next,  ///< Done; go on behind the instruction.
  Jump,  ///< Done; the handler has set where its lanes go on.
  Block, ///< Not done: execute again once something has happened.
  Yield, ///< Done, but it polled in vain: let others run before going on.
};

/// Executes one instruction for the lanes of `mask`.
using Handler = Step (*)(Warp &warp, const Inst &inst, uint32_t mask);

/// Special registers, the ones that our kernels read.
enum class Special : uint8_t {
  TidX,
  TidY,
  TidZ,
  NTidX,
  NTidY,
  NTidZ,
  CtaIdX,
  CtaIdY,
  CtaIdZ,
  NCtaIdX,
  NCtaIdY,
  NCtaIdZ,
  LaneId,
  WarpId,
  NWarpId,
  ClusterCtaRank,
  ClusterNCtaRank,
  ClusterIdX,
  ClusterIdY,
  ClusterIdZ,
  NClusterIdX,
  NClusterIdY,
  NClusterIdZ,
  ClusterCtaIdX,
  ClusterCtaIdY,
  ClusterCtaIdZ,
  ClusterNCtaIdX,
  ClusterNCtaIdY,
  ClusterNCtaIdZ,
  Clock,
  GlobalTimer,
  SmId,
  NSmId,
  LaneMaskEq,
  LaneMaskLt,
  LaneMaskLe,
  LaneMaskGt,
  LaneMaskGe,
};

constexpr uint32_t NoRegister = ~0u;

struct Operand {
  enum class Kind : uint8_t {
    None,
    Sink,    ///< `_`
    Reg,     ///< `reg`; `negated` for !p.
    Imm,     ///< `imm`, bits of the operand's type (sign-extended integers).
    Special, ///< `imm` is a Special.
    Mem,     ///< [reg + imm], reg may be NoRegister; `elems`: coordinates.
    Vec,     ///< {a, b, ...}
    Pair,    ///< a|b
    Label,   ///< `imm` is the instruction it names, or of brx.idx the table.
  };
  Kind kind = Kind::None;
  bool negated = false;
  uint32_t reg = NoRegister;
  uint64_t imm = 0;
  std::vector<Operand> elems;
  std::string label; ///< Of labels, until they are resolved.

  bool isReg() const { return kind == Kind::Reg; }
  bool isImm() const { return kind == Kind::Imm; }
  bool isMem() const { return kind == Kind::Mem; }
  bool isVec() const { return kind == Kind::Vec; }
};

/// Which lanes must execute an instruction together.
enum class Together : uint8_t {
  Any,    ///< Those that are there.
  Full,   ///< All lanes that have not exited (.aligned).
  Member, ///< Those of the mask operand `ops[inst.memberMask]`.
};

/// One instruction. `aux` and `wide` are the handler's own.
struct Inst {
  Handler handler = nullptr;
  uint32_t guard = NoRegister; ///< Predicate register of @p / @!p.
  bool guardNegated = false;
  Together together = Together::Any;
  uint8_t memberMask = 0;
  uint8_t size = 0;  ///< Bytes of an element that is moved.
  uint8_t count = 0; ///< Elements of a vector access, matrices of a move.
  uint32_t aux = 0;
  std::array<uint32_t, 4> wide = {};
  unsigned numDefs = 1; ///< Operands that are written, from the first on.
  bool asyncRegisters = false; ///< wgmma: checks its registers itself.
  std::vector<Operand> ops;
  /// Registers read and written, flattened.
  std::vector<uint32_t> reads, writes;
  /// Of a branch: the instruction where its lanes meet again, or NoRegister
  /// where they need not (both sides exit).
  uint32_t reconvergence = NoRegister;
  bool isBranch = false, isExit = false;
  /// CTAs of other clusters see or change what it works on: an atomic or a
  /// reduction on global memory, a load that acquires.
  bool meetsOthers = false;
  /// Of brx.idx: the instruction that each index goes to.
  std::vector<uint32_t> targets;
  std::string opcode; ///< As written, without the guard.
  SourceLine loc;
};

struct Parameter {
  std::string name;
  uint32_t offset = 0, size = 0;
};

/// A .global variable of the module, and the bytes it begins with. Its address
/// is fixed, so that code can hold it.
struct GlobalVariable {
  std::string name;
  uint64_t address = 0;
  std::vector<uint8_t> bytes;
};

/// One entry of a PTX module. Shared-memory symbols have addresses in
/// .shared::cta: static variables from `sharedBase` on, then the dynamic part.
struct Program {
  std::string entry;
  std::vector<Inst> code;
  std::vector<Parameter> params;
  uint32_t paramBytes = 0;
  uint32_t registers = 0;
  uint32_t localBytes = 0;
  uint32_t staticShared = 0;            ///< Bytes, from sharedBase on.
  uint32_t dynamicShared = 0;           ///< Address of the dynamic part.
  std::array<uint32_t, 3> reqntid = {}; ///< 0: not given.
  uint32_t minCtas = 0, maxRegs = 0;
  std::vector<std::string> files; ///< By .file number.
  std::vector<uint8_t> constants; ///< The .const space, from address 0 on.
  std::vector<GlobalVariable> globals;
  bool usesWgmma = false;
  bool meetsOthers = false; ///< One of the instructions does.

  /// "kernel.tw:36:13 (PTX line 412)".
  std::string where(const SourceLine &loc) const;
  /// "kernel.tw:36:13", or "PTX line 412" where the source is not known.
  std::string source(const SourceLine &loc) const;
};

/// First byte of shared memory that a program may use: the system reserves
/// 1024 bytes of each CTA on sm_90 (CUDA Programming Guide, "Compute
/// Capability 9.0").
constexpr uint32_t sharedBase = 1024;

/// Where .global variables of a module begin: below every allocation.
constexpr uint64_t moduleVariables = uint64_t(0x7e) << 40;

/// Parses PTX text and decodes `entry` (empty: the only entry). Errors name
/// the construct or instruction form that is not modelled, and its line.
llvm::Expected<Program> parseProgram(llvm::StringRef ptx,
                                     llvm::StringRef entry);

/// Finds the handler of `inst.opcode` (lib/Table.cpp); fills all but operands.
llvm::Error decode(Program &program, Inst &inst);

/// Sets `reconvergence` of every branch: its immediate post-dominator.
void findReconvergence(Program &program);

} // namespace tilewright::sim

#endif // TILEWRIGHT_SIM_PROGRAM_H
