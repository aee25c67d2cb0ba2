//===- ResourcePlan.cpp - warps, registers, shared memory of a kernel -----===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "tilewright/Support/ResourcePlan.h"

#include "llvm/ADT/STLExtras.h"
#include "llvm/ADT/Twine.h"
#include "llvm/Support/MathExtras.h"
#include "llvm/Support/raw_ostream.h"
#include <algorithm>

using namespace tilewright;
using llvm::Twine;

namespace {

constexpr int64_t warpThreads = 32;
constexpr int64_t groupWarps = 4;

/// Guards against requests whose products overflow: nothing real comes near.
constexpr int64_t largestBytes = int64_t(1) << 40;
constexpr int64_t largestAlignment = 1024;

constexpr int64_t roundUp(int64_t value, int64_t multiple) {
  return (value + multiple - 1) / multiple * multiple;
}

class Planner {
public:
  Planner(const ResourceRequest &request, const TargetLimits &limits)
      : request(request), limits(limits) {}

  PlanResult run();

private:
  bool fail(PlanFailure::Limit limit, llvm::StringRef subject, int64_t needed,
            int64_t available, const Twine &message) {
    failure = {limit, subject.str(), needed, available, message.str()};
    return false;
  }

  // Each step returns false after it has recorded a failure.
  bool checkRoles();
  bool placeWarps();
  bool planRegisters();
  bool checkMemory();
  bool chooseDepths();
  void growBuffers();
  void placeMemory();

  /// Registers that role `i` needs at least, as setmaxnreg can set them.
  int64_t need(unsigned i) const {
    const RoleRequest &role = request.roles[i];
    return std::max(limits.setmaxMin,
                    roundUp(role.fragmentRegisters + role.overheadRegisters,
                            limits.registerGranularity));
  }
  int64_t groupNeed(const WarpgroupPlan &group) const {
    int64_t most = limits.setmaxMin;
    for (unsigned role : group.roles)
      most = std::max(most, need(role));
    return most;
  }
  bool isGroups(const WarpgroupPlan &group) const {
    return request.roles[group.roles.front()].kind == RoleRequest::Groups;
  }
  std::optional<int64_t> explicitCount(const WarpgroupPlan &group) const {
    for (unsigned role : group.roles)
      if (request.roles[role].registers)
        return request.roles[role].registers;
    return std::nullopt;
  }
  int64_t slotBytes(const PipeRequest &pipe) const {
    int64_t bytes = pipe.barriersPerSlot * limits.barrierBytes;
    for (const FieldRequest &field : pipe.fields)
      bytes += stride(field.bytes, field.alignment);
    return bytes;
  }
  int64_t stride(int64_t bytes, int64_t alignment) const {
    return roundUp(bytes, std::max(alignment, limits.barrierBytes));
  }

  const ResourceRequest &request;
  const TargetLimits &limits;
  ResourcePlan plan;
  PlanFailure failure;
  /// Shared memory that nothing has been given yet.
  int64_t left = 0;
  llvm::SmallVector<int64_t, 4> bufferCounts;
};

} // namespace

//===----------------------------------------------------------------------===//
// Warps
//===----------------------------------------------------------------------===//

bool Planner::checkRoles() {
  if (request.roles.empty())
    return fail(PlanFailure::Invalid, "", 1, 0, "the kernel has no role");
  for (const RoleRequest &role : request.roles) {
    if (role.count < 1)
      return fail(
          PlanFailure::Invalid, role.name, 1, role.count,
          "role '" + role.name + "' has " + Twine(role.count) +
              (role.kind == RoleRequest::Groups ? " groups" : " warps"));
    int64_t perUnit = role.kind == RoleRequest::Groups
                          ? groupWarps * warpThreads
                          : warpThreads;
    if (role.count > limits.maxThreads / perUnit) {
      // Capped, so that an absurd count does not overflow.
      int64_t threads = std::min(role.count, int64_t(1) << 32) * perUnit;
      return fail(PlanFailure::Threads, role.name, threads, limits.maxThreads,
                  "threads: role '" + role.name + "' has " + Twine(threads) +
                      ", a CTA at most " + Twine(limits.maxThreads));
    }
    if (role.mSideExtent && (*role.mSideExtent < limits.mSideGranularity ||
                             *role.mSideExtent % limits.mSideGranularity != 0))
      return fail(PlanFailure::MSideExtent, role.name, limits.mSideGranularity,
                  *role.mSideExtent,
                  "M-side extent: a group of role '" + role.name +
                      "' multiplies " + Twine(*role.mSideExtent) +
                      " rows, which is not a multiple of " +
                      Twine(limits.mSideGranularity) +
                      "; swap the operands of mma or use fewer groups");
    if (!role.registers || limits.setmaxMax == 0)
      continue;
    // PTX ISA, "setmaxnreg": a multiple of 8 in the range 24 to 256.
    if (*role.registers % 8 != 0 || *role.registers < limits.setmaxMin ||
        *role.registers > limits.setmaxMax)
      return fail(
          PlanFailure::Invalid, role.name, *role.registers, limits.setmaxMax,
          "registers: role '" + role.name + "' asks for " +
              Twine(*role.registers) +
              "; setmaxnreg takes multiples of 8 from " +
              Twine(limits.setmaxMin) + " to " + Twine(limits.setmaxMax));
  }
  return true;
}

bool Planner::placeWarps() {
  plan.roles.resize(request.roles.size());
  int64_t nextWarp = 0;
  auto place = [&](unsigned index, int64_t firstWarp, int64_t warps) {
    const RoleRequest &role = request.roles[index];
    plan.roles[index] = {role.name, role.kind, firstWarp, warps, 0};
  };
  auto placeWhole = [&](unsigned index, int64_t warps) {
    place(index, nextWarp, warps);
    for (int64_t w = 0; w < warps; w += groupWarps) {
      plan.warpgroups.push_back({nextWarp + w, groupWarps, 0, {index}});
    }
    nextWarp += roundUp(warps, groupWarps);
  };

  for (auto [i, role] : llvm::enumerate(request.roles))
    if (role.kind == RoleRequest::Groups)
      placeWhole(i, role.count * groupWarps);
  for (auto [i, role] : llvm::enumerate(request.roles))
    if (role.kind == RoleRequest::Warps && role.count >= groupWarps)
      placeWhole(i, role.count);

  size_t firstPacked = plan.warpgroups.size();
  int64_t lastUsed = nextWarp;
  llvm::SmallVector<int64_t, 4> used; // warps taken in each packed warpgroup
  for (auto [i, role] : llvm::enumerate(request.roles)) {
    if (role.kind != RoleRequest::Warps || role.count >= groupWarps)
      continue;
    size_t p = 0;
    for (; p < used.size(); ++p) {
      auto count = explicitCount(plan.warpgroups[firstPacked + p]);
      bool agrees = !count || !role.registers || *count == *role.registers;
      if (agrees && used[p] + role.count <= groupWarps)
        break;
    }
    if (p == used.size()) {
      used.push_back(0);
      plan.warpgroups.push_back({nextWarp, groupWarps, 0, {}});
      nextWarp += groupWarps;
    }
    WarpgroupPlan &group = plan.warpgroups[firstPacked + p];
    place(i, group.firstWarp + used[p], role.count);
    group.roles.push_back(i);
    used[p] += role.count;
    lastUsed = std::max(lastUsed, group.firstWarp + used[p]);
  }

  // Different register counts make sense only between warpgroups, and need
  // whole ones.
  bool differs = llvm::any_of(request.roles, [](const RoleRequest &role) {
    return role.kind == RoleRequest::Groups || role.registers;
  });
  plan.usesSetmaxnreg =
      limits.setmaxMax > 0 && plan.warpgroups.size() > 1 && differs;
  int64_t warps = plan.usesSetmaxnreg ? nextWarp : lastUsed;
  if (!plan.usesSetmaxnreg)
    plan.warpgroups.back().warps = warps - plan.warpgroups.back().firstWarp;
  plan.threads = warps * warpThreads;
  if (plan.threads > limits.maxThreads)
    return fail(PlanFailure::Threads, "", plan.threads, limits.maxThreads,
                "threads: the roles need " + Twine(plan.threads) +
                    ", a CTA has at most " + Twine(limits.maxThreads));
  plan.entryRegisters = entryRegisters(plan.threads, limits);
  return true;
}

//===----------------------------------------------------------------------===//
// Registers
//===----------------------------------------------------------------------===//

int64_t tilewright::entryRegisters(int64_t threads,
                                   const TargetLimits &limits) {
  if (threads < 1)
    return 0;
  int64_t perThread = limits.registers / threads / limits.registerGranularity *
                      limits.registerGranularity;
  return std::min(perThread, limits.maxRegistersPerThread);
}

bool Planner::planRegisters() {
  // What one thread can be given at all.
  int64_t most = limits.maxRegistersPerThread;
  if (plan.usesSetmaxnreg)
    most = std::min(limits.setmaxMax, most / 8 * 8);
  else
    most = plan.entryRegisters;
  for (auto [i, role] : llvm::enumerate(request.roles)) {
    // An explicit count is the author's judgement: only accumulators that
    // cannot fit at all contradict it.
    int64_t needed = role.registers
                         ? role.fragmentRegisters
                         : role.fragmentRegisters + role.overheadRegisters;
    int64_t available = most;
    if (role.registers)
      available = plan.usesSetmaxnreg ? *role.registers
                                      : std::min(most, *role.registers);
    if (needed > available)
      return fail(PlanFailure::Registers, role.name, needed, available,
                  "registers: role '" + role.name + "' needs " + Twine(needed) +
                      " a thread (" + Twine(role.fragmentRegisters) +
                      " of accumulators and fragments), at most " +
                      Twine(available) + " are possible");
  }

  if (!plan.usesSetmaxnreg) {
    for (WarpgroupPlan &group : plan.warpgroups)
      group.registers = plan.entryRegisters;
    for (RolePlan &role : plan.roles)
      role.registers = plan.entryRegisters;
    return true;
  }

  // All warpgroups have 128 threads, so counts add up a thread each.
  int64_t budget =
      plan.entryRegisters * static_cast<int64_t>(plan.warpgroups.size());
  int64_t left = budget;
  llvm::SmallVector<WarpgroupPlan *, 4> automatic; // groups that share the rest
  llvm::SmallVector<WarpgroupPlan *, 4> others;
  for (WarpgroupPlan &group : plan.warpgroups) {
    if (auto count = explicitCount(group)) {
      group.registers = *count;
      left -= *count;
    } else if (isGroups(group)) {
      automatic.push_back(&group);
    } else {
      others.push_back(&group);
    }
  }
  int64_t leastForGroups = 0;
  for (WarpgroupPlan *group : automatic)
    leastForGroups += groupNeed(*group);

  // Roles without groups take the default, or less when groups need it.
  int64_t taken = 0;
  for (int64_t wish = std::max(limits.warpRoleRegisters, limits.setmaxMin);;
       wish -= 8) {
    taken = 0;
    for (WarpgroupPlan *group : others) {
      group->registers = std::max(wish, groupNeed(*group));
      taken += group->registers;
    }
    if (taken + leastForGroups <= left || wish - 8 < limits.setmaxMin)
      break;
  }
  if (taken + leastForGroups > left) {
    int64_t needed = budget - left + taken + leastForGroups;
    return fail(PlanFailure::Registers, "", needed, budget,
                "registers: the " + Twine(plan.warpgroups.size()) +
                    " warpgroups need " + Twine(needed) +
                    " in sum over one thread of each, a CTA of " +
                    Twine(plan.threads) + " threads has " + Twine(budget) +
                    " (" + Twine(plan.entryRegisters) + " a thread)");
  }
  left -= taken;

  // The highest common level that fits; no group gets less than it needs.
  if (!automatic.empty()) {
    int64_t level = limits.groupRegistersCap;
    auto sum = [&](int64_t v) {
      int64_t total = 0;
      for (WarpgroupPlan *group : automatic)
        total += std::max(v, groupNeed(*group));
      return total;
    };
    while (level > limits.setmaxMin && sum(level) > left)
      level -= 8;
    for (WarpgroupPlan *group : automatic)
      group->registers = std::max(level, groupNeed(*group));
  }
  for (const WarpgroupPlan &group : plan.warpgroups)
    for (unsigned role : group.roles)
      plan.roles[role].registers = group.registers;
  return true;
}

//===----------------------------------------------------------------------===//
// Shared memory
//===----------------------------------------------------------------------===//

bool Planner::checkMemory() {
  auto check = [&](llvm::StringRef owner, llvm::StringRef name, int64_t bytes,
                   int64_t alignment, int64_t count) {
    if (bytes < 0 || bytes > largestBytes || count < 0 ||
        count > largestBytes || (bytes > 0 && count > largestBytes / bytes))
      return fail(PlanFailure::Invalid, owner, bytes, limits.sharedBytes,
                  "shared memory: '" + name + "' has " + Twine(bytes) +
                      " bytes, " + Twine(count) + " times");
    if (alignment < 1 || alignment > largestAlignment ||
        !llvm::isPowerOf2_64(alignment))
      return fail(PlanFailure::Invalid, owner, alignment, largestAlignment,
                  "shared memory: '" + name + "' is aligned to " +
                      Twine(alignment) +
                      " bytes, which is no power of two up to 1024");
    return true;
  };
  for (const BufferRequest &buffer : request.buffers)
    if (!check(buffer.name, buffer.name, buffer.bytes, buffer.alignment,
               buffer.count))
      return false;
  for (const PipeRequest &pipe : request.pipes) {
    for (const FieldRequest &field : pipe.fields)
      if (!check(pipe.name, field.name, field.bytes, field.alignment,
                 pipe.depth.value_or(1)))
        return false;
    if (pipe.depth ? *pipe.depth < 1
                   : pipe.minDepth < 1 || pipe.barriersPerSlot < 0 ||
                         slotBytes(pipe) < 1)
      return fail(PlanFailure::Invalid, pipe.name, 1, pipe.depth.value_or(0),
                  "pipe '" + pipe.name + "' has no slots or no bytes");
  }
  return true;
}

bool Planner::chooseDepths() {
  plan.pipes.resize(request.pipes.size());
  for (const BufferRequest &buffer : request.buffers)
    bufferCounts.push_back(buffer.count);
  int64_t fixed = request.extraBarriers * limits.barrierBytes;
  for (const BufferRequest &buffer : request.buffers)
    fixed += stride(buffer.bytes, buffer.alignment) * buffer.count;
  llvm::SmallVector<unsigned, 4> open; // pipes of depth max
  int64_t least = 0;
  for (auto [i, pipe] : llvm::enumerate(request.pipes)) {
    if (pipe.depth) {
      plan.pipes[i].depth = *pipe.depth;
      fixed += slotBytes(pipe) * *pipe.depth;
    } else {
      open.push_back(i);
      plan.pipes[i].depth = pipe.minDepth;
      least += slotBytes(pipe) * pipe.minDepth;
    }
  }
  left = limits.sharedBytes - fixed;
  if (left < 0)
    return fail(PlanFailure::SharedMemory, "", fixed, limits.sharedBytes,
                "shared memory: buffers and pipes of fixed depth need " +
                    Twine(fixed) + " bytes, a CTA has " +
                    Twine(limits.sharedBytes));
  if (least > left) {
    const PipeRequest &first = request.pipes[open.front()];
    return fail(PlanFailure::SharedMemory, open.size() == 1 ? first.name : "",
                fixed + least, limits.sharedBytes,
                "shared memory: " +
                    (open.size() == 1
                         ? "pipe '" + first.name + "' needs at least " +
                               std::to_string(first.minDepth) + " slots of " +
                               std::to_string(slotBytes(first)) + " bytes"
                         : "the pipes of depth max need at least " +
                               std::to_string(least) + " bytes") +
                    ", of " + Twine(limits.sharedBytes) + " bytes " +
                    Twine(left) + " are left");
  }

  auto highest = [&](unsigned i) {
    int64_t cap = request.pipes[i].maxDepth;
    return cap > 0 ? std::max(cap, request.pipes[i].minDepth) : INT64_MAX;
  };
  // Equal shares of bytes. A pipe whose least depth exceeds its share, or
  // whose highest depth needs less, leaves the sharing.
  llvm::SmallVector<unsigned, 4> sharing = open;
  int64_t toShare = left;
  for (bool changed = true; changed && !sharing.empty();) {
    changed = false;
    int64_t share = toShare / static_cast<int64_t>(sharing.size());
    // Those that need more first: they shrink the share of the others.
    for (bool tooDeep : {true, false}) {
      for (size_t k = 0; k < sharing.size() && !changed; ++k) {
        unsigned i = sharing[k];
        int64_t fits = share / slotBytes(request.pipes[i]);
        if (tooDeep ? fits >= request.pipes[i].minDepth : fits <= highest(i))
          continue;
        plan.pipes[i].depth = tooDeep ? request.pipes[i].minDepth : highest(i);
        toShare -= plan.pipes[i].depth * slotBytes(request.pipes[i]);
        sharing.erase(sharing.begin() + k);
        changed = true;
      }
    }
  }
  if (!sharing.empty()) {
    int64_t share = toShare / static_cast<int64_t>(sharing.size());
    for (unsigned i : sharing)
      plan.pipes[i].depth = share / slotBytes(request.pipes[i]);
  }

  // The remainder, one slot at a time, to the shallowest that fits.
  for (unsigned i : open)
    left -= plan.pipes[i].depth * slotBytes(request.pipes[i]);
  while (true) {
    std::optional<unsigned> next;
    for (unsigned i : open)
      if (slotBytes(request.pipes[i]) <= left &&
          plan.pipes[i].depth < highest(i) &&
          (!next || plan.pipes[i].depth < plan.pipes[*next].depth))
        next = i;
    if (!next)
      return true;
    ++plan.pipes[*next].depth;
    left -= slotBytes(request.pipes[*next]);
  }
}

void Planner::growBuffers() {
  while (true) {
    std::optional<unsigned> next;
    for (auto [i, buffer] : llvm::enumerate(request.buffers)) {
      int64_t step = buffer.count;
      if (step >= 1 && bufferCounts[i] + step <= buffer.maxCount &&
          stride(buffer.bytes, buffer.alignment) * step <= left &&
          (!next || bufferCounts[i] / step <
                        bufferCounts[*next] / request.buffers[*next].count))
        next = i;
    }
    if (!next)
      return;
    const BufferRequest &buffer = request.buffers[*next];
    bufferCounts[*next] += buffer.count;
    left -= stride(buffer.bytes, buffer.alignment) * buffer.count;
  }
}

void Planner::placeMemory() {
  // Falling alignment leaves no gaps: every block's stride is a multiple of
  // its alignment, which the next alignment divides.
  llvm::SmallVector<std::pair<int64_t, BlockPlan *>, 16> blocks;
  auto add = [&](BlockPlan &block, int64_t alignment) {
    blocks.push_back({alignment, &block});
  };
  plan.buffers.reserve(request.buffers.size());
  for (auto [buffer, count] : llvm::zip_equal(request.buffers, bufferCounts))
    plan.buffers.push_back({buffer.name, 0,
                            stride(buffer.bytes, buffer.alignment), count,
                            buffer.bytes});
  for (auto [pipe, wanted] : llvm::zip_equal(plan.pipes, request.pipes)) {
    pipe.name = wanted.name;
    pipe.barriersPerSlot = wanted.barriersPerSlot;
    pipe.fields.reserve(wanted.fields.size());
    for (const FieldRequest &field : wanted.fields) {
      pipe.fields.push_back({field.name, 0,
                             stride(field.bytes, field.alignment), pipe.depth,
                             field.bytes});
    }
  }
  for (auto [pipe, wanted] : llvm::zip_equal(plan.pipes, request.pipes))
    for (auto [block, field] : llvm::zip_equal(pipe.fields, wanted.fields))
      add(block, field.alignment);
  for (auto [block, buffer] : llvm::zip_equal(plan.buffers, request.buffers))
    add(block, buffer.alignment);
  int64_t offset = 0;
  for (int64_t level = largestAlignment; level >= 1; level /= 2) {
    for (auto [alignment, block] : blocks) {
      if (alignment != level)
        continue;
      block->offset = offset;
      offset += block->stride * block->count;
    }
  }
  plan.barriersOffset = offset;
  for (PipePlan &pipe : plan.pipes) {
    pipe.barrierOffset = offset;
    int64_t count = pipe.barriersPerSlot * pipe.depth;
    plan.barriers += count;
    offset += count * limits.barrierBytes;
  }
  plan.extraBarriersOffset = offset;
  plan.barriers += request.extraBarriers;
  plan.sharedBytes = offset + request.extraBarriers * limits.barrierBytes;
}

PlanResult Planner::run() {
  PlanResult result;
  if (checkRoles() && placeWarps() && planRegisters() && checkMemory() &&
      chooseDepths()) {
    growBuffers();
    placeMemory();
    result.plan = std::move(plan);
  } else {
    result.failure = std::move(failure);
  }
  return result;
}

PlanResult tilewright::planResources(const ResourceRequest &request,
                                     const TargetLimits &limits) {
  return Planner(request, limits).run();
}

//===----------------------------------------------------------------------===//
// Look-up and printing
//===----------------------------------------------------------------------===//

template <typename List>
static auto findNamed(const List &list, llvm::StringRef name)
    -> decltype(&list.front()) {
  for (const auto &entry : list)
    if (entry.name == name)
      return &entry;
  return nullptr;
}

const RolePlan *ResourcePlan::findRole(llvm::StringRef name) const {
  return findNamed(roles, name);
}
const PipePlan *ResourcePlan::findPipe(llvm::StringRef name) const {
  return findNamed(pipes, name);
}
const BlockPlan *ResourcePlan::findBuffer(llvm::StringRef name) const {
  return findNamed(buffers, name);
}

void ResourcePlan::print(llvm::raw_ostream &os) const {
  os << "threads " << threads << ", " << entryRegisters
     << " registers a thread at entry" << (usesSetmaxnreg ? ", setmaxnreg" : "")
     << '\n';
  for (const RolePlan &role : roles)
    os << "role " << role.name << ": warps " << role.firstWarp << ".."
       << role.firstWarp + role.warps - 1 << ", " << role.registers
       << " registers\n";
  for (const PipePlan &pipe : pipes) {
    os << "pipe " << pipe.name << ": " << pipe.depth << " slots\n";
    for (const BlockPlan &field : pipe.fields)
      os << "  " << field.name << ": " << field.bytes << " bytes at "
         << field.offset << " + " << field.stride << " * slot\n";
    os << "  barriers: " << pipe.barriersPerSlot << " * " << pipe.depth
       << " at " << pipe.barrierOffset << '\n';
  }
  for (const BlockPlan &buffer : buffers)
    os << "buffer " << buffer.name << ": " << buffer.count << " * "
       << buffer.bytes << " bytes at " << buffer.offset << '\n';
  os << "barriers " << barriers << " at " << barriersOffset << '\n'
     << "shared memory " << sharedBytes << " bytes\n";
}
