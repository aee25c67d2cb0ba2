//===- MatrixMove.h - ldmatrix and stmatrix -------------------------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#ifndef TILEWRIGHT_SIM_MATRIXMOVE_H
#define TILEWRIGHT_SIM_MATRIXMOVE_H

#include "tilewright/Sim/Ranges.h"
#include "llvm/ADT/ArrayRef.h"
#include "llvm/Support/Error.h"
#include <cstdint>

namespace tilewright::sim {

/// ldmatrix.sync.aligned.m8n8.x<count>[.trans].shared.b16 of one warp (PTX
/// ISA, "ldmatrix"): lane 8q + r gives the address of row r of matrix q; lane
/// l then holds elements 2*(l%4) and + 1 of row l/4 of matrix q in register q,
/// the first in the low half (of the transposed matrix with .trans).
///
/// `addresses`: one for each of the 32 lanes, indices into `shared`; those of
/// lanes >= 8*count are not used. `registers`: [lane 0..31][count], written.
/// Errors: count not 1, 2 or 4; a row that is not 16-byte aligned or leaves
/// `shared` (both name the lane). The rows read are appended to `touched`.
llvm::Error loadMatrices(llvm::ArrayRef<uint8_t> shared,
                         llvm::ArrayRef<uint32_t> addresses, unsigned count,
                         bool trans, llvm::MutableArrayRef<uint32_t> registers,
                         ByteRanges *touched = nullptr);

/// stmatrix.sync.aligned.m8n8.x<count>[.trans].shared.b16: the inverse, with
/// the same mapping (PTX ISA, "stmatrix"). Nothing is written on an error.
llvm::Error storeMatrices(llvm::MutableArrayRef<uint8_t> shared,
                          llvm::ArrayRef<uint32_t> addresses, unsigned count,
                          bool trans, llvm::ArrayRef<uint32_t> registers,
                          ByteRanges *touched = nullptr);

} // namespace tilewright::sim

#endif // TILEWRIGHT_SIM_MATRIXMOVE_H
