//===- PTXTest.cpp - translation to PTX -----------------------------------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "tilewright/Target/PTX.h"
#include "tilewright/Target/PTXText.h"
#include "tilewright/Target/TargetDiagnostics.h"

#include "../../../compiler/lib/Target/Protected.h"

#include "mlir/Dialect/GPU/IR/GPUDialect.h"
#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/Dialect/LLVMIR/NVVMDialect.h"
#include "mlir/IR/BuiltinOps.h"
#include "mlir/IR/Diagnostics.h"
#include "mlir/IR/MLIRContext.h"
#include "mlir/Parser/Parser.h"
#include "gtest/gtest.h"

#include <csignal>
#include <thread>

using namespace mlir;
using namespace tilewright::target;

namespace {

/// Translates a module and keeps what was said.
struct Translation {
  explicit Translation(llvm::StringRef source, PTXOptions options = {}) {
    DialectRegistry registry;
    registry.insert<LLVM::LLVMDialect, NVVM::NVVMDialect>();
    registerPTXTranslations(registry);
    MLIRContext context(registry, MLIRContext::Threading::DISABLED);
    ScopedDiagnosticHandler handler(&context, [&](Diagnostic &diagnostic) {
      std::string text;
      llvm::raw_string_ostream os(text);
      os << diagnostic.getLocation() << ": " << diagnostic.str();
      messages.push_back(text);
      return success();
    });
    OwningOpRef<ModuleOp> module =
        parseSourceString<ModuleOp>(source, &context);
    if (!module || failed(prepareForPTX(*module)))
      return;
    FailureOr<PTXModule> translated = translateToPTX(*module, options);
    ok = succeeded(translated);
    if (ok)
      result = std::move(*translated);
  }

  bool said(llvm::StringRef text) const {
    for (const std::string &message : messages)
      if (llvm::StringRef(message).contains(text))
        return true;
    return false;
  }
  bool has(llvm::StringRef text) const {
    return llvm::StringRef(result.ptx).contains(text);
  }

  bool ok = false;
  PTXModule result;
  std::vector<std::string> messages;
};

constexpr char kSimple[] = R"(
llvm.func @k(%p: !llvm.ptr<1>, %a: f32)
    attributes {nvvm.kernel, nvvm.reqntid = array<i32: 128, 1, 1>, nvvm.minctasm = 1 : i32} {
  %0 = nvvm.read.ptx.sreg.tid.x : i32 loc("a.tw":3:4)
  %1 = llvm.getelementptr %p[%0] : (!llvm.ptr<1>, i32) -> !llvm.ptr<1>, f32 loc("a.tw":4:4)
  %2 = llvm.load %1 : !llvm.ptr<1> -> f32 loc(fused["a.tw":5:4, "b.tw":50:4])
  %3 = llvm.fmul %2, %a : f32 loc(unknown)
  %4 = llvm.fadd %3, %a : f32 loc("sum"(callsite("b.tw":6:4 at "a.tw":7:1)))
  llvm.store %4, %1 : f32, !llvm.ptr<1> loc("a.tw":8:4)
  llvm.return
} loc("a.tw":1:2)
)";

constexpr char kUnsupported[] = R"(
llvm.func @k(%p: !llvm.ptr<1>, %a: f32, %b: f32) attributes {nvvm.kernel} {
  %c = nvvm.convert.f32x2.to.f8x2 %a, %b {rnd = #nvvm.fp_rnd_mode<rp>, sat = #nvvm.sat_mode<satfinite>} : i16 (f8E8M0FNU) loc("a.tw":9:4)
  llvm.store %c, %p : i16, !llvm.ptr<1>
  llvm.return
} loc("a.tw":1:2)
)";

} // namespace

TEST(PTX, SimpleKernel) {
  Translation t(kSimple);
  ASSERT_TRUE(t.ok);
  EXPECT_TRUE(t.messages.empty());
  EXPECT_EQ(t.result.ptxVersion, 86u);
  EXPECT_TRUE(t.has(".version 8.6"));
  EXPECT_TRUE(t.has(".target sm_90a\n")); // not ", debug"
  EXPECT_TRUE(t.has(".visible .entry k("));
  EXPECT_TRUE(t.has(".reqntid 128, 1, 1"));
  EXPECT_TRUE(t.has(".minnctapersm 1"));
  // Rounded twice: nobody asked for contraction.
  EXPECT_TRUE(t.has("mul.rn.f32"));
  EXPECT_TRUE(t.has("add.rn.f32"));
  EXPECT_FALSE(t.has("fma"));
  EXPECT_GT(t.result.timings.translate, 0);
  EXPECT_GT(t.result.timings.optimize, 0);
  EXPECT_GT(t.result.timings.codegen, 0);
  EXPECT_TRUE(t.result.llvmIR.empty());
}

TEST(PTX, SourceLines) {
  Translation t(kSimple);
  ASSERT_TRUE(t.ok);
  PTXText text(t.result.ptx);
  auto at = [&](llvm::StringRef opcode) -> std::optional<SourcePos> {
    for (const PTXStatement &statement : text.functions()[0].body)
      if (statement.opcode().starts_with(opcode))
        return text.sourceAt(statement.line);
    return std::nullopt;
  };
  EXPECT_EQ(at("mov.u32"), (SourcePos{"a.tw", 3, 4}));
  // The first part of a fused location.
  EXPECT_EQ(at("ld.global"), (SourcePos{"a.tw", 5, 4}));
  // Without a location of its own: that of the operation before.
  EXPECT_EQ(at("mul.rn"), (SourcePos{"a.tw", 5, 4}));
  // Another file, through a name and a call site: the callee's line.
  EXPECT_EQ(at("add.rn"), (SourcePos{"b.tw", 6, 4}));
  EXPECT_EQ(at("st.global"), (SourcePos{"a.tw", 8, 4}));
}

// ptxas knows no escapes in strings and takes ASCII only.
TEST(PTX, FileNames) {
  std::string source = kSimple;
  for (size_t at; (at = source.find("\"a.tw\"")) != std::string::npos;)
    source.replace(at, 6, "\"\xc3\xa4 \\\"x\\\"\\\\n/a.TW\"");
  Translation t(source);
  ASSERT_TRUE(t.ok);
  EXPECT_TRUE(t.has(".file\t1 \"\\303\\244 \\042x\\042\\134n/a.TW\"\n"))
      << t.result.ptx;
  PTXText text(t.result.ptx);
  std::optional<SourcePos> position = text.sourceOf(text.functions()[0]);
  ASSERT_TRUE(position);
  EXPECT_EQ(position->file, "\xc3\xa4 \"x\"\\n/a.TW");
}

TEST(PTX, CapturesIR) {
  PTXOptions options;
  options.captureLLVM = true;
  Translation t(kSimple, options);
  ASSERT_TRUE(t.ok);
  EXPECT_NE(t.result.llvmIR.find("define ptx_kernel void @k"),
            std::string::npos);
  EXPECT_NE(t.result.optimizedLLVMIR.find("define ptx_kernel void @k"),
            std::string::npos);
  options.captureLLVM = false;
  options.stopAtLLVM = true;
  Translation stopped(kSimple, options);
  ASSERT_TRUE(stopped.ok);
  EXPECT_TRUE(stopped.result.ptx.empty());
  EXPECT_NE(stopped.result.llvmIR.find("nvptx64-nvidia-cuda"),
            std::string::npos);
}

TEST(PTX, VersionFollowsChipAndToolkit) {
  PTXOptions options;
  options.toolkitMajor = 12;
  options.toolkitMinor = 4;
  EXPECT_TRUE(Translation(kSimple, options).has(".version 8.4"));
  options.chip = "sm_100a";
  Translation old(kSimple, options);
  EXPECT_FALSE(old.ok);
  EXPECT_TRUE(old.said("'sm_100a' needs PTX 8.6"));
  options = {};
  options.chip = "sm_100f";
  EXPECT_TRUE(Translation(kSimple, options).has(".version 8.8"));
  options.ptxVersion = 90;
  EXPECT_TRUE(Translation(kSimple, options).has(".version 9.0"));
  options.ptxVersion = 80;
  EXPECT_TRUE(Translation(kSimple, options)
                  .said("PTX version 8.0 is out of "
                        "range"));
  options.chip = "sm_12";
  EXPECT_TRUE(Translation(kSimple, options).said("unknown chip 'sm_12'"));
}

// The other form of input: a gpu.module in a module.
TEST(PTX, GPUModule) {
  DialectRegistry registry;
  registry.insert<LLVM::LLVMDialect, NVVM::NVVMDialect, gpu::GPUDialect>();
  registerPTXTranslations(registry);
  MLIRContext context(registry, MLIRContext::Threading::DISABLED);
  OwningOpRef<ModuleOp> module = parseSourceString<ModuleOp>(
      "gpu.module @kernels {" + std::string(kSimple) + "}", &context);
  ASSERT_TRUE(module);
  Operation *kernels = &module->getBody()->front();
  ASSERT_TRUE(succeeded(prepareForPTX(kernels)));
  FailureOr<PTXModule> result = translateToPTX(kernels);
  ASSERT_TRUE(succeeded(result));
  EXPECT_NE(result->ptx.find(".visible .entry k("), std::string::npos);
  EXPECT_NE(result->ptx.find("\"a.tw\""), std::string::npos);
}

// "Cannot select" ends the process in LLVM; here it names the line.
TEST(PTX, UnsupportedIntrinsic) {
  Translation t(kUnsupported);
  EXPECT_FALSE(t.ok);
  ASSERT_EQ(t.messages.size(), 1u);
  EXPECT_TRUE(t.said("\"a.tw\":9:4")) << t.messages[0];
  EXPECT_TRUE(t.said("'llvm.nvvm.ff.to.ue8m0x2.rp.satfinite' cannot be "
                     "translated for sm_90a"));
  PTXOptions blackwell;
  blackwell.chip = "sm_100a";
  EXPECT_TRUE(Translation(kUnsupported, blackwell).ok);
}

// LLVM's message names nothing here ("Do not know how to split …").
TEST(PTX, UnsupportedWithoutName) {
  const char *source = R"(
llvm.func @k(%p: !llvm.ptr<1>, %t: !llvm.ptr<6>) attributes {nvvm.kernel} {
  %c = nvvm.tcgen05.ld %t {shape = #nvvm.tcgen05_ldst_shape<shape_32x32b>} : vector<2xi32> loc("a.tw":19:4)
  llvm.store %c, %p : vector<2xi32>, !llvm.ptr<1> loc("a.tw":20:4)
  llvm.return
} loc("a.tw":1:2)
)";
  Translation t(source);
  EXPECT_FALSE(t.ok);
  EXPECT_EQ(t.messages.size(), 1u);
  EXPECT_TRUE(t.said("\"a.tw\":19:4"));
  EXPECT_TRUE(t.said("llvm.nvvm.tcgen05.ld.32x32b.x2"));
}

// After a fatal error the process goes on, also in other threads at once.
TEST(PTX, FatalErrorsLeaveTheProcessUsable) {
  for (int round = 0; round < 3; ++round) {
    EXPECT_FALSE(Translation(kUnsupported).ok);
    EXPECT_TRUE(Translation(kSimple).ok);
  }
  std::vector<std::thread> threads;
  std::atomic<int> good = 0, bad = 0;
  for (int i = 0; i < 8; ++i)
    threads.emplace_back([&, i] {
      for (int round = 0; round < 4; ++round) {
        Translation t(i % 2 ? kUnsupported : kSimple);
        (t.ok ? good : bad)++;
        if (i % 2)
          EXPECT_TRUE(t.said("\"a.tw\":9:4"));
      }
    });
  for (std::thread &thread : threads)
    thread.join();
  EXPECT_EQ(good, 16);
  EXPECT_EQ(bad, 16);
}

TEST(Protected, SurvivesCrashes) {
  EXPECT_EQ(runProtected([] {}), std::nullopt);
  std::optional<std::string> reason = runProtected([] { std::abort(); });
  ASSERT_TRUE(reason);
  EXPECT_NE(reason->find("LLVM crashed"), std::string::npos);
  reason = runProtected([] { std::raise(SIGSEGV); });
  ASSERT_TRUE(reason);
  EXPECT_NE(reason->find("Segmentation fault"), std::string::npos) << *reason;
  reason =
      runProtected([] { llvm::report_fatal_error("out of everything\n"); });
  EXPECT_EQ(reason, "out of everything");
}

// The handlers that were there before are there again afterwards.
TEST(Protected, RestoresHandlers) {
  static volatile std::sig_atomic_t caught = 0;
  auto before = std::signal(SIGSEGV, [](int) { caught = 1; });
  (void)runProtected([] { std::raise(SIGSEGV); });
  EXPECT_EQ(caught, 0);
  std::raise(SIGSEGV);
  EXPECT_EQ(caught, 1);
  std::signal(SIGSEGV, before);
}

// A diagnostic that LLVM gives through its handler, not as a fatal error.
TEST(PTX, DiagnosticsOfLLVM) {
  const char *source = R"(
llvm.func @k(%p: !llvm.ptr<1>, %a: f32) attributes {nvvm.kernel} {
  %0 = llvm.inline_asm has_side_effects "mov.f32 $0, $1;", "=Q,f" %a : (f32) -> f32 loc("a.tw":7:3)
  llvm.store %0, %p : f32, !llvm.ptr<1>
  llvm.return
} loc("a.tw":1:2)
)";
  Translation t(source);
  EXPECT_FALSE(t.ok);
  ASSERT_EQ(t.messages.size(), 1u);
  EXPECT_TRUE(t.said("\"a.tw\":7:3): LLVM:")) << t.messages[0];
}

TEST(PTX, StrictMakesAdvisoriesErrors) {
  MLIRContext context(MLIRContext::Threading::DISABLED);
  std::vector<std::pair<DiagnosticSeverity, std::string>> said;
  ScopedDiagnosticHandler handler(&context, [&](Diagnostic &diagnostic) {
    std::string text;
    llvm::raw_string_ostream os(text);
    os << diagnostic.getLocation() << ": " << diagnostic.str();
    said.push_back({diagnostic.getSeverity(), text});
    return success();
  });
  Location fallback = FileLineColLoc::get(&context, "k.tw", 1, 1);
  PTXText ptx(".visible .entry k() {\n.loc 1 4 2\nsetmaxnreg.inc.sync.aligned."
              "u32 240;\nret;\n}\n.file 1 \"k.tw\"\n");
  AssemblerReport report = parseAssemblerLog(
      "ptxas info    : (C7508) Potential Performance Loss: 'setmaxnreg' "
      "ignored\n"
      "ptxas info    : (C7519) warpgroup.arrive is injected in around line 3\n"
      "ptxas warning : Registers are spilled to local memory in function 'k', "
      "8 bytes\n"
      "ptxas info    : something else\n");
  EXPECT_TRUE(succeeded(reportAssembler(report, ptx, fallback)));
  ASSERT_EQ(said.size(), 3u);
  EXPECT_EQ(said[0].first, DiagnosticSeverity::Warning);
  EXPECT_EQ(said[1].first, DiagnosticSeverity::Remark);
  EXPECT_EQ(said[2].first, DiagnosticSeverity::Warning);
  EXPECT_NE(said[0].second.find("\"k.tw\":4:2): ptxas: C7508: Potential"),
            std::string::npos)
      << said[0].second;
  said.clear();
  EXPECT_TRUE(failed(reportAssembler(report, ptx, fallback, /*strict=*/true)));
  ASSERT_EQ(said.size(), 3u);
  for (auto &[severity, text] : said)
    EXPECT_EQ(severity, DiagnosticSeverity::Error);

  said.clear();
  std::vector<LintFinding> findings = lintPTX(ptx);
  EXPECT_TRUE(succeeded(reportLint(findings, fallback)));
  EXPECT_TRUE(failed(reportLint(findings, fallback, /*strict=*/true)));
  ASSERT_EQ(said.size(), 2u);
  EXPECT_EQ(said[0].first, DiagnosticSeverity::Warning);
  EXPECT_EQ(said[1].first, DiagnosticSeverity::Error);
}
