# What `cmake --install BUILD --component wheel` puts into the Python package,
# beside its sources (pyproject.toml): the program, the library, the header of
# its C API, and the kernels. The installation fails where the two binaries are
# not self-contained.
set(tilewright_package tilewright)

install(CODE "
  execute_process(
    COMMAND bash \"${PROJECT_SOURCE_DIR}/scripts/check-static.sh\"
            \"${PROJECT_BINARY_DIR}\"
    RESULT_VARIABLE status OUTPUT_VARIABLE output ERROR_VARIABLE output)
  if(NOT status EQUAL 0)
    message(FATAL_ERROR \"not fit for a wheel: \${output}\")
  endif()"
  COMPONENT wheel)
install(TARGETS tilewright
  RUNTIME DESTINATION ${tilewright_package}/bin COMPONENT wheel)
install(TARGETS tilewright-c
  LIBRARY DESTINATION ${tilewright_package}/lib COMPONENT wheel)
install(DIRECTORY runtime/include/tilewright-c
  DESTINATION ${tilewright_package}/include COMPONENT wheel)
install(DIRECTORY kernels
  DESTINATION ${tilewright_package} COMPONENT wheel
  FILES_MATCHING PATTERN "*.tw" PATTERN "*.md" PATTERN "*.json")
