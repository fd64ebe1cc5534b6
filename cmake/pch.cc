// Holds the precompiled header; see rooms.cmake.
