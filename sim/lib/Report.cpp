//===- Report.cpp - What a simulated launch found -------------------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "tilewright/Sim/Report.h"
#include "llvm/ADT/STLExtras.h"

using namespace tilewright::sim;

const char *tilewright::sim::hazardName(Hazard hazard) {
  switch (hazard) {
  case Hazard::OutOfBounds:
    return "out of bounds";
  case Hazard::Misaligned:
    return "misaligned";
  case Hazard::UninitialisedShared:
    return "uninitialised shared memory";
  case Hazard::ReadBeforeArrival:
    return "access before a copy's arrival";
  case Hazard::OverwrittenWhileRead:
    return "overwritten while an asynchronous reader is in flight";
  case Hazard::UnreleasedRead:
    return "overwritten without a release of its reader";
  case Hazard::MissingInitFence:
    return "missing fence of an mbarrier's init";
  case Hazard::MissingProxyFence:
    return "missing proxy fence";
  case Hazard::RegisterInFlight:
    return "register of a wgmma in flight";
  case Hazard::MissingWgmmaFence:
    return "missing wgmma.fence";
  case Hazard::BarrierMisuse:
    return "barrier misuse";
  case Hazard::Divergence:
    return "divergence";
  case Hazard::ExitWithCopies:
    return "exit with copies in flight";
  case Hazard::PeerExited:
    return "shared memory of a CTA that has exited";
  case Hazard::BadOperand:
    return "bad operand";
  case Hazard::BeforeDependency:
    return "before a launch that it depends on has ended";
  case Hazard::Trap:
    return "trap";
  case Hazard::Deadlock:
    return "deadlock";
  case Hazard::InstructionLimit:
    return "instruction limit";
  }
  return "?";
}

bool Report::has(Hazard hazard) const {
  return llvm::any_of(findings, [&](const Finding &finding) {
    return finding.hazard == hazard;
  });
}

std::string Report::str() const {
  std::string text;
  for (const Finding &finding : findings) {
    if (finding.rank)
      text += "rank " + std::to_string(*finding.rank) + ": ";
    if (!finding.where.empty())
      text += finding.where + ": ";
    text += std::string(hazardName(finding.hazard)) + ": " + finding.message;
    if (!finding.opcode.empty())
      text += " [" + finding.opcode + "; " + finding.who + "]";
    text += "\n";
  }
  return text;
}
