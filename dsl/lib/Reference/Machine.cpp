//===- Machine.cpp - setting up and running the roles ---------------------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Machine.h"
#include "Walk.h"
#include "llvm/Support/Casting.h"
#include <set>
#include <thread>

using namespace llvm;
using namespace tilewright;
using namespace tilewright::reference;

static Error refuse(const Twine &message) {
  return createStringError(inconvertibleErrorCode(), message);
}

Error Machine::prepare() {
  const InstantiatedKernel &kernel = *problem.kernel;
  for (const Dim *dim : kernel.dims) {
    auto it = problem.dims.find(dim->name.str());
    if (dim->baked)
      dims[dim] = *dim->baked;
    else if (it != problem.dims.end())
      dims[dim] = it->second;
  }
  bool clusterSum = false;
  pipes.resize(1);
  // Where the roles put, get and store.
  for (unsigned r = 0; r < kernel.roles.size(); ++r)
    walkStatements(kernel.roles[r]->body, [&](const Stmt *stmt) {
      if (auto *put = dyn_cast<PutStmt>(stmt))
        pipes[0][put->pipe].puts[r];
      if (auto *get = dyn_cast<GetStmt>(stmt))
        pipes[0][get->pipe].gets[r];
      walkExpressions(stmt, [&](const Expr *expr) {
        if (auto *reduce = dyn_cast<ReduceExpr>(expr))
          clusterSum |= reduce->op == ReduceOp::ClusterSum;
      });
      return true;
    });
  for (auto &[pipe, state] : pipes[0]) {
    state.writers = state.puts.size();
    state.readers = state.gets.size();
  }
  if (clusterSum) {
    const Iterator *clustered = nullptr;
    for (const Iterator *iterator : kernel.iterators)
      if (iterator->kind == Iterator::Tiles && iterator->clusterSize() > 1)
        clustered = iterator;
    if (clustered)
      ctas = static_cast<unsigned>(clustered->clusterSize());
  }
  pipes.resize(ctas, pipes[0]);

  if (problem.tensors.size() != kernel.tensors.size())
    return refuse(Twine(kernel.name) + " takes " +
                  Twine(kernel.tensors.size()) + " tensors, not " +
                  Twine(problem.tensors.size()));
  for (size_t i = 0; i < kernel.tensors.size(); ++i) {
    const Tensor &tensor = *kernel.tensors[i];
    const runtime::HostTensor *host = problem.tensors[i];
    if (!host) {
      if (dry)
        continue; // Only the shapes of control flow are wanted.
      return refuse("tensor '" + tensor.name + "' is missing");
    }
    auto type = reference::storageType(problem, tensor);
    if (!type)
      return type.takeError();
    auto shape = tensorShape(problem, tensor);
    if (!shape)
      return shape.takeError();
    if (host->dtype() != *type)
      return refuse("tensor '" + tensor.name + "' must have element type " +
                    runtime::name(*type) + ", got " +
                    runtime::name(host->dtype()));
    if (host->shape() != ArrayRef<int64_t>(*shape))
      return refuse("tensor '" + tensor.name + "' has another shape");
    TensorState state;
    state.host = host;
    state.type = *type;
    state.shape = *shape;
    state.strides.assign(host->strides().begin(), host->strides().end());
    if (i < outputs.size())
      state.output = outputs[i];
    tensors[&tensor] = state;
  }
  return Error::success();
}

Error Machine::run() {
  const InstantiatedKernel &kernel = *problem.kernel;
  std::vector<std::unique_ptr<Process>> processes;
  std::vector<std::thread> threads;
  for (unsigned c = 0; c < ctas; ++c)
    for (unsigned r = 0; r < kernel.roles.size(); ++r) {
      processes.push_back(
          std::make_unique<Process>(*this, *kernel.roles[r], r, c));
      for (const Var *scalar : kernel.scalars) {
        auto it = problem.scalars.find(scalar->name.str());
        if (it != problem.scalars.end())
          processes.back()->bindScalar(scalar, it->second);
      }
    }
  alive = processes.size();
  for (auto &process : processes)
    threads.emplace_back([this, &process] {
      mutex.lock();
      if (!hasFailed)
        process->run();
      --alive;
      if (waiting >= alive)
        changed(); // Those who wait find out that nobody is left.
      mutex.unlock();
    });
  for (std::thread &thread : threads)
    thread.join();
  if (!hasFailed)
    checkPipes();
  if (hasFailed)
    return refuse(message);
  return Error::success();
}
