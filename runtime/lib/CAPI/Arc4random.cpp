//===- Arc4random.cpp - keeps libtilewright.so usable with glibc 2.35 -----===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// LLVM's Support library, as built on Debian 12, takes the random part of
// temporary files' names from arc4random, which glibc has since 2.36 only. All
// else is there in 2.35 (Ubuntu 22.04), so a release brings its own; it is not
// exported.
//
//===----------------------------------------------------------------------===//

#include <cerrno>
#include <cstdint>
#include <cstdlib>
#include <sys/random.h>

extern "C" __attribute__((visibility("hidden"))) uint32_t arc4random() noexcept;

/// 32 random bits of the kernel's; ends the process if it has none, as glibc's
/// does.
uint32_t arc4random() noexcept {
  uint32_t bits;
  ssize_t got;
  do
    got = getrandom(&bits, sizeof(bits), 0);
  while (got < 0 && errno == EINTR);
  if (got != sizeof(bits))
    std::abort();
  return bits;
}
