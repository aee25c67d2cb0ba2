# ===- fam_tma.py - tensor copies of 1 to 5 dimensions ---------------------===//
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Tensor loads, stores and reductions: every swizzle, boxes that leave the
tensor on each side, multicast. Shared memory starts as a pattern, so that an
extra byte written shows."""

from math import prod

from ptxkit import *

SIZES = {"u8": 1, "u16": 2, "u32": 4, "s32": 4, "u64": 8, "f16": 2, "f32": 4,
         "bf16": 2, "tf32": 4}


def tensor_map(buffer, kind, dims, box, swizzle=0, strides=None, oob="zero",
               offset=0, steps=None):
    """`strides`: bytes of dimensions 1 and up, packed by default."""
    size = SIZES[kind]
    if strides is None:
        strides, run = [], size
        for d in dims[:-1]:
            run *= d
            strides.append(run)
    assert all(s % 16 == 0 for s in strides), strides
    return {"tensormap": {"buffer": buffer, "offset": offset, "type": kind,
                          "dims": list(dims), "strides": list(strides),
                          "box": list(box), "swizzle": swizzle, "oob": oob,
                          "element_strides": steps or [1] * len(dims)}}


def extent(m):
    m = m["tensormap"]
    if not m["strides"]:
        return m["dims"][0] * SIZES[m["type"]] + m["offset"]
    return m["strides"][-1] * m["dims"][-1] + m["offset"]


def box_bytes(m):
    m = m["tensormap"]
    counts = [-(-b // s) for b, s in zip(m["box"], m["element_strides"])]
    return prod(counts) * SIZES[m["type"]]


def coords(values):
    text = "".join(f"mov.b32 %r_c{i}, {v};\n" for i, v in enumerate(values))
    return text, "{%s}" % ", ".join(f"%r_c{i}" for i in range(len(values)))


def load(name, about, m, boxes, at=None, seed=80, init=None):
    """Loads boxes at the given coordinates, one after the other in shared
    memory (or at the offsets `at`), all on one barrier."""
    rank, size = len(m["tensormap"]["dims"]), box_bytes(m)
    step = -(-size // 1024) * 1024
    at = at or [i * step for i in range(len(boxes))]
    total = at[-1] + max(step, at[1] - at[0] if len(at) > 1 else 0)
    body = TID + load_ptr("%d_out", 1) + "mov.b64 %d_map, $P0;\n" \
        "cvta.param.u64 %d_map, %d_map;\n" + \
        fill_shared(0xA5A5A5A5, total // 4, 128) + f"""
add.s64 %d_bar, %d_sm, {total};
setp.ne.b32 %p_t, %r_tid, 0;
@%p_t bra $L__ready;
prefetch.tensormap [%d_map];
mbarrier.init.shared.b64 [%d_bar], 1;
fence.mbarrier_init.release.cluster;
$L__ready:
fence.proxy.async.shared::cta;
bar.sync 0;
@%p_t bra $L__issued;
mbarrier.arrive.expect_tx.shared.b64 %d_s0, [%d_bar], {size * len(boxes)};
"""
    for i, box in enumerate(boxes):
        text, where = coords(box)
        body += text + f"add.s64 %d_d{i}, %d_sm, {at[i]};\n"
        body += (f"cp.async.bulk.tensor.{rank}d.shared::cluster.global.tile."
                 f"mbarrier::complete_tx::bytes [%d_d{i}], [%d_map, {where}], "
                 "[%d_bar];\n")
    body += "$L__issued:\nbar.warp.sync -1;\n" + wait("%d_bar", "0")
    body += copy_loop("out", "%d_sm", "%d_out", total // 4, 128, "shared",
                      "global") + "ret;\n"
    kernel = Kernel("tma_load_" + name, about, body, [m, {"buffer": "out"}],
           {"a": init or rand(-(-extent(m) // 4) * 4, seed),
            "out": out(total)}, smem=total + 64)
    kernel.tma = dict(map=m["tensormap"], boxes=boxes, at=at, op="load")


def store(name, about, m, boxes, reduce=None, at=None, seed=90, data=None,
          target=None):
    rank, size = len(m["tensormap"]["dims"]), box_bytes(m)
    step = -(-size // 1024) * 1024
    at = at or [i * step for i in range(len(boxes))]
    total = at[-1] + step
    body = TID + load_ptr("%d_a", 1) + "mov.b64 %d_map, $P0;\n" \
        "cvta.param.u64 %d_map, %d_map;\nmov.b64 %d_sm, smem;\n" + \
        copy_loop("in", "%d_a", "%d_sm", total // 4, 128, "global", "shared") + """
fence.proxy.async.shared::cta;
bar.sync 0;
setp.ne.b32 %p_t, %r_tid, 0;
@%p_t bra $L__end;
"""
    for i, box in enumerate(boxes):
        text, where = coords(box)
        body += text + f"add.s64 %d_d{i}, %d_sm, {at[i]};\n"
        op = (f"cp.reduce.async.bulk.tensor.{rank}d.global.shared::cta."
              f"{reduce}.tile.bulk_group" if reduce else
              f"cp.async.bulk.tensor.{rank}d.global.shared::cta.tile.bulk_group")
        body += f"{op} [%d_map, {where}], [%d_d{i}];\n"
        body += "cp.async.bulk.commit_group;\n"
        if reduce:
            body += "cp.async.bulk.wait_group 0;\n"
    body += "cp.async.bulk.wait_group.read 0;\ncp.async.bulk.wait_group 0;\n" \
        "$L__end:\nret;\n"
    size = -(-extent(m) // 4) * 4
    kernel = Kernel("tma_" + name, about, body, [m, {"buffer": "data"}],
           {"data": data or rand(total, seed),
            "out": target or out(size, 0x33333333)}, smem=total)
    kernel.tma = dict(map=m["tensormap"], boxes=boxes, at=at,
                      op=reduce or "store")


def multicast():
    """Two CTAs load half a box each and deliver it to both."""
    m = tensor_map("a", "u8", [128, 32], [128, 8], 128)
    body = TID + load_ptr("%d_out", 1) + "mov.b64 %d_map, $P0;\n" \
        "cvta.param.u64 %d_map, %d_map;\n" + fill_shared(0xA5A5A5A5, 768, 128)
    body += """
mov.u32 %r_rank, %cluster_ctarank;
mov.u32 %r_cta, %ctaid.x;
add.s64 %d_bar, %d_sm, 3072;
setp.ne.b32 %p_t, %r_tid, 0;
@%p_t bra $L__ready;
mbarrier.init.shared.b64 [%d_bar], 1;
fence.mbarrier_init.release.cluster;
mbarrier.arrive.expect_tx.shared.b64 %d_s0, [%d_bar], 3072;
$L__ready:
fence.proxy.async.shared::cta;
barrier.cluster.arrive.aligned;
barrier.cluster.wait.aligned;
@%p_t bra $L__issued;
shl.b32 %r_half, %r_rank, 10;
cvt.u64.u32 %d_half, %r_half;
add.s64 %d_dst, %d_sm, %d_half;
mov.b32 %r_x, 0;
shl.b32 %r_y, %r_cta, 3;
mov.b16 %h_mask, 3;
cp.async.bulk.tensor.2d.shared::cluster.global.tile.mbarrier::complete_tx::bytes.multicast::cluster [%d_dst], [%d_map, {%r_x, %r_y}], [%d_bar], %h_mask;
setp.ne.b32 %p_r, %r_rank, 0;
@%p_r bra $L__issued;
mov.b32 %r_ny, -4;
add.s64 %d_dst, %d_sm, 2048;
cp.async.bulk.tensor.2d.shared::cluster.global.tile.mbarrier::complete_tx::bytes.multicast::cluster [%d_dst], [%d_map, {%r_x, %r_ny}], [%d_bar], %h_mask;
$L__issued:
bar.warp.sync -1;
""" + wait("%d_bar", "0") + """
mul.wide.u32 %d_z, %r_cta, 3072;
add.s64 %d_out, %d_out, %d_z;
""" + copy_loop("out", "%d_sm", "%d_out", 768, 128, "shared", "global") + """
barrier.cluster.arrive.aligned;
barrier.cluster.wait.aligned;
ret;
"""
    Kernel("tma_multicast", "halves of a tile multicast to a cluster of two",
           body, [m, {"buffer": "out"}],
           {"a": rand(extent(m), 81), "out": out(4 * 3072)}, smem=3200, grid=4,
           cluster=2)


def bulk_multicast():
    body = TID + load_ptr("%d_a", 0) + load_ptr("%d_out", 1) + \
        fill_shared(0xA5A5A5A5, 256, 128) + """
mov.u32 %r_rank, %cluster_ctarank;
add.s64 %d_bar, %d_sm, 1024;
setp.ne.b32 %p_t, %r_tid, 0;
@%p_t bra $L__ready;
mbarrier.init.shared.b64 [%d_bar], 1;
fence.mbarrier_init.release.cluster;
setp.eq.b32 %p_1, %r_rank, 1;
selp.b32 %r_n, 256, 512, %p_1;
mbarrier.arrive.expect_tx.shared.b64 %d_s0, [%d_bar], %r_n;
$L__ready:
fence.proxy.async.shared::cta;
barrier.cluster.arrive.aligned;
barrier.cluster.wait.aligned;
setp.ne.b32 %p_r, %r_rank, 0;
or.pred %p_x, %p_r, %p_t;
@%p_x bra $L__issued;
mov.b16 %h_all, 15;
mov.b16 %h_some, 13;
add.s64 %d_d, %d_sm, 512;
add.s64 %d_g, %d_a, 256;
cp.async.bulk.shared::cluster.global.mbarrier::complete_tx::bytes.multicast::cluster [%d_sm], [%d_a], 256, [%d_bar], %h_all;
cp.async.bulk.shared::cluster.global.mbarrier::complete_tx::bytes.multicast::cluster [%d_d], [%d_g], 256, [%d_bar], %h_some;
$L__issued:
bar.warp.sync -1;
""" + wait("%d_bar", "0") + """
mul.wide.u32 %d_z, %r_rank, 1024;
add.s64 %d_out, %d_out, %d_z;
""" + copy_loop("out", "%d_sm", "%d_out", 256, 128, "shared", "global") + """
barrier.cluster.arrive.aligned;
barrier.cluster.wait.aligned;
ret;
"""
    Kernel("bulk_multicast", "bulk copies to all and to some CTAs of a cluster "
           "of four", body, [{"buffer": "a"}, {"buffer": "out"}],
           {"a": rand(512, 82), "out": out(4096)}, smem=1088, grid=4, cluster=4)


# Boxes at which an H200 (driver 580) raised CUDA_ERROR_ILLEGAL_INSTRUCTION:
# loads whose innermost coordinate is not a multiple of 16 bytes, and stores
# (and reductions) with that or with any negative coordinate. They stay out of
# the recorded set; `gen.py --refused` writes them for another device to try.
REFUSED_LOADS = ['1d_f32_3', '1d_f32_m5', '1d_u8_200', '2d_f32_xm2', '2d_sw32_xm4', '2d_sw64_x3', '2d_u8_x8', '2d_u8_xm8', '4d_x12']
REFUSED_STORES = ['1d_f32_3', '1d_u8_m16', '2d_f32_x3', '2d_f32_xm4', '2d_f32_ym3', '2d_sw128_xm32', '2d_sw128_ym8', '3d_m1']


def odd_coordinates(refused=False):
    """One box each at coordinates that a device may refuse: an inner
    coordinate off 16 bytes, negative ones, boxes outside."""
    T = tensor_map
    for name, m, box in (
            ("1d_f32_3", T("a", "f32", [37], [16]), [3]),
            ("1d_f32_m5", T("a", "f32", [37], [16]), [-5]),
            ("1d_f32_m4", T("a", "f32", [37], [16]), [-4]),
            ("1d_u8_m16", T("a", "u8", [100], [64]), [-16]),
            ("1d_u8_m64", T("a", "u8", [100], [64]), [-64]),
            ("1d_u8_208", T("a", "u8", [100], [64]), [208]),
            ("1d_u8_200", T("a", "u8", [100], [64]), [200]),
            ("2d_u8_x8", T("a", "u8", [96, 20], [48, 8]), [8, 0]),
            ("2d_u8_xm8", T("a", "u8", [96, 20], [48, 8]), [-8, 0]),
            ("2d_u8_xm16", T("a", "u8", [96, 20], [48, 8]), [-16, -3]),
            ("2d_u8_y20", T("a", "u8", [96, 20], [48, 8]), [16, 20]),
            ("2d_f32_xm2", T("a", "f32", [20, 6], [8, 4]), [-2, 0]),
            ("2d_f32_xm4", T("a", "f32", [20, 6], [8, 4]), [-4, -1]),
            ("2d_nan_xm4", T("a", "f32", [20, 6], [8, 4], oob="nan"), [-4, -1]),
            ("2d_sw32_xm8", T("a", "bf16", [40, 24], [16, 16], 32), [-8, -5]),
            ("2d_sw32_xm4", T("a", "bf16", [40, 24], [16, 16], 32), [-4, 0]),
            ("2d_sw64_xm8", T("a", "f32", [36, 24], [16, 16], 64), [-8, -9]),
            ("2d_sw64_x3", T("a", "f32", [36, 24], [16, 16], 64), [3, 0]),
            ("2d_u64_xm2", T("a", "u64", [10, 6], [4, 4]), [-2, -1]),
            ("4d_x12", T("a", "u16", [16, 5, 4, 3], [8, 3, 2, 2]),
             [12, 0, 0, 0]),
            ("4d_xm8", T("a", "u16", [16, 5, 4, 3], [8, 3, 2, 2]),
             [-8, -1, -1, -1])):
        if refused == (name in REFUSED_LOADS):
            load("at_" + name, f"one box at {box}", m, [box])
    for name, m, box in (
            ("1d_u8_m16", T("out", "u8", [100], [48]), [-16]),
            ("1d_f32_3", T("out", "f32", [37], [16]), [3]),
            ("2d_f32_xm4", T("out", "f32", [40, 20], [16, 8]), [-4, 0]),
            ("2d_f32_ym3", T("out", "f32", [40, 20], [16, 8]), [0, -3]),
            ("2d_f32_x3", T("out", "f32", [40, 20], [16, 8]), [3, 0]),
            ("2d_f32_x4", T("out", "f32", [40, 20], [16, 8]), [4, 1]),
            ("2d_f32_y20", T("out", "f32", [40, 20], [16, 8]), [0, 20]),
            ("2d_sw128_xm32", T("out", "bf16", [136, 24], [64, 16], 128),
             [-32, 0]),
            ("2d_sw128_ym8", T("out", "bf16", [136, 24], [64, 16], 128),
             [0, -8]),
            ("3d_m1", T("out", "u16", [16, 4, 3], [8, 3, 2]), [0, -1, 0])):
        if refused == (name in REFUSED_STORES):
            store("store_at_" + name, f"one box at {box}", m, [box])
    if refused:
        store("reduce_at_ym3", "one box at a negative row",
              T("out", "f32", [40, 20], [16, 8]), [[0, -3]], reduce="add")


def make():
    T = tensor_map
    odd_coordinates()
    load("1d", "rank 1: inside, across both ends, outside",
         T("a", "u8", [100], [64]), [[0], [80], [32]])
    load("1d_f32", "rank 1 of f32, beyond the end",
         T("a", "f32", [37], [16]), [[4], [28]])
    load("2d_none", "rank 2 without swizzle; rows beyond and before",
         T("a", "u8", [96, 20], [48, 8]), [[0, 0], [64, 14], [16, -3]])
    load("2d_sw32", "32-byte swizzle, bf16",
         T("a", "bf16", [40, 24], [16, 16], 32), [[0, 0], [32, 12], [16, -5]])
    load("2d_sw64", "64-byte swizzle, f32",
         T("a", "f32", [36, 24], [16, 16], 64), [[4, 2], [28, 20], [16, -9]])
    load("2d_sw128", "128-byte swizzle, e4m3 tile as the GEMM loads it",
         T("a", "u8", [272, 24], [128, 16], 128),
         [[0, 0], [128, 8], [256, 16], [-32, -8]])
    load("2d_sw128_narrow", "128-byte swizzle, a row of only 64 bytes",
         T("a", "u8", [128, 16], [64, 16], 128), [[0, 0], [64, 8]],
         at=[0, 4096])
    load("2d_sw128_offset", "128-byte swizzle at addresses off the 1 KiB period",
         T("a", "bf16", [64, 16], [64, 4], 128), [[0, 0], [0, 4], [0, 8]],
         at=[384, 1024 + 128, 2048 + 896])
    load("2d_sw64_offset", "64-byte swizzle at addresses off its period",
         T("a", "bf16", [32, 16], [32, 4], 64), [[0, 0], [0, 4], [0, 8]],
         at=[128, 1024 + 256, 2048 + 384])
    load("2d_sw32_offset", "32-byte swizzle at addresses off its period",
         T("a", "bf16", [16, 16], [16, 4], 32), [[0, 0], [0, 4], [0, 8]],
         at=[128, 1024 + 256, 2048 + 384])
    load("2d_pitch", "rows with a pitch, a base off the buffer's start",
         T("a", "f32", [10, 9], [4, 8], strides=[64], offset=16),
         [[0, 0], [8, 4]])
    load("2d_nan", "out-of-bounds elements filled with NaN, f32",
         T("a", "f32", [20, 6], [8, 4], oob="nan"), [[16, 4], [0, -1]])
    load("2d_nan_bf16", "out-of-bounds elements filled with NaN, bf16",
         T("a", "bf16", [24, 6], [16, 4], oob="nan"), [[16, 4], [8, -1]])
    load("2d_nan_f16", "out-of-bounds elements filled with NaN, f16",
         T("a", "f16", [24, 6], [16, 4], oob="nan"), [[16, 4], [8, -1]])
    load("2d_tf32", "tf32 elements: what the copy does to the low bits",
         T("a", "tf32", [20, 6], [8, 4]), [[0, 0], [16, 4]])
    load("2d_u64", "8-byte elements", T("a", "u64", [10, 6], [4, 4]),
         [[0, 0], [8, 4], [2, -1]])
    load("2d_scales", "one row of scales, as the GEMM loads them",
         T("a", "f32", [132, 3], [128, 1]), [[0, 0], [128, 1], [4, 3]])
    load("3d", "rank 3, 64-byte swizzle",
         T("a", "bf16", [48, 5, 4], [32, 4, 3], 64), [[0, 0, 0], [32, 3, -1]])
    load("4d", "rank 4",
         T("a", "u16", [16, 5, 4, 3], [8, 3, 2, 2]),
         [[0, 0, 0, 0], [8, -1, 3, 2]])
    load("5d", "rank 5, 32-byte swizzle",
         T("a", "u8", [48, 3, 3, 3, 2], [32, 2, 2, 2, 2], 32),
         [[0, 0, 0, 0, 0], [32, 2, -1, 2, 1]])
    store("store_1d", "rank 1: inside, across both ends",
          T("out", "u8", [100], [48]), [[16], [64], [0]])
    store("store_2d_none", "rank 2 without swizzle, across the ends",
          T("out", "f32", [40, 20], [16, 8]), [[0, 0], [32, 15], [16, 8]])
    store("store_2d_sw32", "32-byte swizzle", T("out", "bf16", [40, 24], [16, 8], 32),
          [[0, 0], [32, 20], [16, 8]])
    store("store_2d_sw64", "64-byte swizzle", T("out", "f32", [40, 24], [16, 8], 64),
          [[0, 0], [32, 20], [16, 8]])
    store("store_2d_sw128", "128-byte swizzle, bf16 as the GEMM stores",
          T("out", "bf16", [136, 24], [64, 16], 128), [[0, 0], [64, 8], [128, 16]])
    store("store_3d", "rank 3", T("out", "u16", [16, 4, 3], [8, 3, 2]),
          [[0, 0, 0], [8, 2, 2]])
    store("store_4d", "rank 4", T("out", "u16", [16, 3, 3, 2], [8, 2, 2, 2]),
          [[0, 0, 0, 0], [8, 2, 2, 1]])
    store("store_5d", "rank 5", T("out", "u8", [32, 2, 3, 2, 2], [16, 2, 2, 2, 2]),
          [[0, 0, 0, 0, 0], [16, 1, 2, 1, 1]])
    for kind, op, mask in (("f32", "add", F32), ("bf16", "add", BF16),
                           ("f16", "add", F16), ("s32", "min", {}),
                           ("u32", "max", {}), ("u32", "xor", {}),
                           ("bf16", "max", BF16)):
        m = T("out", kind, [40, 20] if SIZES[kind] == 4 else [40, 20],
              [16, 8], 32 if SIZES[kind] == 2 else 64)
        store(f"reduce_{op}_{kind}", f"reduction {op} of {kind}, twice onto one "
              "place, across the ends", m, [[0, 0], [0, 0], [32, 15], [16, 8]],
              reduce=op, data=rand(4096, 91, **mask),
              target=rand(extent(m), 92, out=True, **mask))
    multicast()
    bulk_multicast()
