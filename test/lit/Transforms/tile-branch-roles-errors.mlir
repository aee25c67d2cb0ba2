// RUN: tilewright-opt %s --tile-branch-roles -split-input-file -verify-diagnostics

// expected-error @+1 {{has no 'threads' and 'smem_bytes' yet; run tile-plan-resources first}}
tile.kernel @unplanned() target "sm_90a" {
}

// -----

tile.kernel @one() target "sm_90a" attributes {threads = 128 : i64, smem_bytes = 0 : i64} {
}
// expected-error @+1 {{is a second kernel of the module; an artefact holds one}}
tile.kernel @two() target "sm_90a" attributes {threads = 128 : i64, smem_bytes = 0 : i64} {
}

// -----

tile.kernel @nowhere() target "sm_90a" attributes {threads = 128 : i64, smem_bytes = 0 : i64} {
  // expected-error @+1 {{has no first warp yet; run tile-plan-resources first}}
  tile.role "math" groups(1) {
  }
}

// -----

tile.kernel @overlap() target "sm_90a" attributes {threads = 256 : i64, smem_bytes = 0 : i64} {
  tile.role "math" groups(1) at 0 {
  }
  // expected-error @+1 {{begins at warp 3, which another role has}}
  tile.role "load" warps(1) at 3 {
  }
}

// -----

tile.kernel @beyond() target "sm_90a" attributes {threads = 128 : i64, smem_bytes = 0 : i64} {
  // expected-error @+1 {{ends at warp 8 but the CTA has 4}}
  tile.role "math" groups(2) at 0 {
  }
}

// -----

tile.kernel @registers_differ() target "sm_90a" attributes {threads = 128 : i64, smem_bytes = 0 : i64} {
  tile.role "load" warps(1) at 0 planned 40 {
  }
  // expected-error @+1 {{shares a warpgroup with another role but not its register count}}
  tile.role "store" warps(1) at 1 planned 24 {
  }
}

// -----

tile.kernel @partial_warpgroup() target "sm_90a" attributes {threads = 160 : i64, smem_bytes = 0 : i64} {
  tile.role "math" groups(1) at 0 planned 240 {
  }
  // expected-error @+1 {{sets registers in a warpgroup of 1 warps; setmaxnreg needs all four}}
  tile.role "load" warps(1) at 4 planned 40 {
  }
}

// -----

tile.kernel @unknown_use(%X: !tile.tensor<1, f32> {tile.name = "X", tile.mode = "in", tile.major = 0 : i64, tile.shape = [8]}) target "sm_90a" attributes {threads = 128 : i64, smem_bytes = 0 : i64} {
  tile.role "math" groups(1) at 0 {
    // expected-error @+1 {{uses tensor 'X' in a way that is not lowered}}
    %x = tile.read %X[affine_map<(m) -> (m)>]() : !tile.tensor<1, f32> -> !tile.tile<[m: 8], f32>
  }
}

// -----

// expected-error @+1 {{cannot compute extent 0 of tensor 'X' from "Q"}}
tile.kernel @unknown_extent(%X: !tile.tensor<1, f32> {tile.name = "X", tile.mode = "in", tile.major = 0 : i64, tile.shape = ["Q"]}) target "sm_90a" attributes {threads = 128 : i64, smem_bytes = 0 : i64} {
  %c0 = arith.constant 0 : index
  tile.role "math" groups(1) at 0 {
    %x = tile.load_element %X[%c0] : !tile.tensor<1, f32> -> f32
  }
}
