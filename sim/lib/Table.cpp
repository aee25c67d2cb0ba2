//===- Table.cpp - From opcodes to decoders -------------------------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "Forms.h"
#include "llvm/ADT/StringExtras.h"

using namespace tilewright::sim;
using llvm::StringRef;

bool Form::take(StringRef name) {
  auto it = llvm::find(mods, name);
  if (it == mods.end())
    return false;
  mods.erase(it);
  return true;
}

int Form::takeOneOf(std::initializer_list<StringRef> names) {
  for (auto it = mods.begin(); it != mods.end(); ++it) {
    auto found = llvm::find(names, *it);
    if (found == names.end())
      continue;
    mods.erase(it);
    return found - names.begin();
  }
  return -1;
}

StringRef Form::takeFirst() {
  if (mods.empty())
    return "";
  StringRef first = mods.front();
  mods.erase(mods.begin());
  return first;
}

bool Form::takeType(Scalar &type) {
  if (mods.empty())
    return false;
  StringRef text = mods.back();
  Scalar result;
  if (text == "pred") {
    result = {'p', 1};
  } else if (text == "f16") {
    result = {'h', 16};
  } else if (text == "bf16") {
    result = {'t', 16};
  } else {
    unsigned bits = 0;
    if (text.empty() || text.drop_front().getAsInteger(10, bits) ||
        (bits != 8 && bits != 16 && bits != 32 && bits != 64) ||
        !StringRef("usbf").contains(text[0]))
      return false;
    result = {text[0], uint8_t(bits)};
  }
  type = result;
  mods.pop_back();
  return true;
}

bool tilewright::sim::areValues(const Inst &inst, unsigned first,
                                unsigned count) {
  if (inst.ops.size() < first + count)
    return false;
  for (unsigned i = first; i < first + count; ++i)
    if (!inst.ops[i].isReg() && !inst.ops[i].isImm())
      return false;
  return true;
}

bool tilewright::sim::isPlain(const Inst &inst, unsigned sources) {
  return inst.ops.size() == sources + 1 && inst.ops[0].isReg() &&
         areValues(inst, 1, sources);
}

static const llvm::StringMap<Decoder> &decoders() {
  static const llvm::StringMap<Decoder> table = [] {
    llvm::StringMap<Decoder> t;
    auto add = [&](Decoder decoder, std::initializer_list<StringRef> heads) {
      for (StringRef head : heads)
        t[head] = decoder;
    };
    // These take integers and floating point; the type decides.
    add(
        [](Form &form, Inst &inst) {
          if (isHalfForm(form))
            return decodeHalf(form, inst);
          Form copy = form;
          Scalar type;
          if (copy.takeType(type) && type.isInt())
            return decodeInteger(form, inst);
          return decodeFloat(form, inst);
        },
        {"add", "sub", "mul", "div", "min", "max", "neg", "abs", "fma"});
    add(decodeInteger, {"mad", "rem"});
    add(decodeBits,
        {"and", "or", "xor", "not", "cnot", "shl", "shr", "bfe", "bfi", "prmt",
         "shf", "lop3", "popc", "clz", "brev", "bfind"});
    add(decodeFloat, {"copysign", "ex2", "lg2", "rcp", "sqrt", "rsqrt"});
    add(decodeSetp, {"setp"});
    add(decodeSelp, {"selp"});
    add(decodeMov, {"mov"});
    add(decodeCvt, {"cvt"});
    add(decodeCvta, {"cvta"});
    add(decodeMapa, {"mapa"});
    add(decodeGetCtaRank, {"getctarank"});
    add(decodeIsSpace, {"isspacep"});
    add(decodeLoad, {"ld"});
    add(decodeStore, {"st"});
    add(decodeAtomic, {"atom", "red"});
    add(decodeMatrixMove, {"ldmatrix", "stmatrix"});
    add(decodeControl, {"bra", "brx", "ret", "exit", "trap", "prefetch",
                        "nanosleep", "griddepcontrol", "prefetchu"});
    add(decodeCreatePolicy, {"createpolicy"});
    add(decodeFence, {"fence", "membar"});
    add(decodeBarrier, {"bar", "barrier"});
    add(decodeSetmaxnreg, {"setmaxnreg"});
    add(decodeMbarrier, {"mbarrier"});
    add(decodeWarp, {"elect", "shfl", "vote", "activemask", "redux", "match"});
    add(decodeCp, {"cp"});
    add(decodeWgmma, {"wgmma"});
    return t;
  }();
  return table;
}

llvm::Error tilewright::sim::decode(Program &program, Inst &inst) {
  Form form;
  StringRef(inst.opcode).split(form.mods, '.');
  form.head = form.takeFirst();
  auto it = decoders().find(form.head);
  if (it == decoders().end() || !it->second(form, inst) || !form.mods.empty() ||
      (!inst.handler && !inst.isBranch && !inst.isExit)) {
    std::string text = "instruction form '" + inst.opcode + "' with " +
                       std::to_string(inst.ops.size()) +
                       " operands is not modelled";
    if (it != decoders().end() && !form.mods.empty())
      text += " (modifier '." + form.mods.front().str() + "')";
    return llvm::createStringError(text);
  }
  program.usesWgmma |= form.head == "wgmma";
  program.meetsOthers |= inst.meetsOthers;
  return llvm::Error::success();
}
