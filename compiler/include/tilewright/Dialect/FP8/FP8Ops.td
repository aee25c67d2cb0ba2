//===- FP8Ops.td - operations of the fp8 dialect -----------*- tablegen -*-===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef TILEWRIGHT_DIALECT_FP8_FP8OPS_TD
#define TILEWRIGHT_DIALECT_FP8_FP8OPS_TD

include "tilewright/Dialect/FP8/FP8Dialect.td"
include "tilewright/Dialect/Interfaces/AsyncInterfaces.td"
include "tilewright/Dialect/Tile/TileTypes.td"
include "mlir/Interfaces/SideEffectInterfaces.td"

class FP8_Op<string mnemonic, list<Trait> traits = []>
    : Op<FP8Dialect, mnemonic, traits>;

def FP8_PromoteOp : FP8_Op<"promote", [
    Pure, DeclareOpInterfaceMethods<ContractionInterface>]> {
  let summary = "acc += contract(a, b) * s1 * … * sn, summed in FP32";
  let description = [{
    Two-level promotion: the tensor core sums one slot's contraction at its own
    precision, then CUDA cores add the partial sum to FP32 accumulators with
    one fused multiply-add an element. The scales are multiplied with one
    another first, in FP32, left to right. A scale may lack an axis of the
    result (it is broadcast by name) or be a scalar. Without scales the partial
    sum is added.

    ```
    %r = fp8.promote %acc, %a, %b scales(%sa, %sb : !tile.tile<[m: 64], f32>, !tile.tile<[n: 128], f32>)
       : !tile.tile<[m: 64, n: 128], f32>, !tile.view<[m: 64, k: 128], f8E4M3FN>,
         !tile.view<[n: 128, k: 128], f8E4M3FN> -> !tile.tile<[m: 64, n: 128], f32>
    ```
  }];
  let arguments = (ins
    Tile_TileType:$acc, Tile_ViewType:$a, Tile_ViewType:$b,
    Variadic<AnyTypeOf<[Tile_TileType, F32]>>:$scales);
  let results = (outs Tile_TileType:$result);
  let assemblyFormat = [{
    $acc `,` $a `,` $b (`scales` `(` $scales^ `:` type($scales) `)`)? attr-dict
    `:` qualified(type($acc)) `,` qualified(type($a)) `,` qualified(type($b)) `->` qualified(type($result))
  }];
  let hasVerifier = 1;
}

#endif // TILEWRIGHT_DIALECT_FP8_FP8OPS_TD
