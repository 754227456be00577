{
  "targets": [
    {
      "target_name": "wormhole",
      "sources": [
        "native/addon.cc",
        "native/descriptors.cc",
        "native/exclusive.cc",
        "native/interrupter.cc",
        "native/libstdcxx.cc",
        "native/memfd.cc",
        "native/memory.cc",
        "native/message.cc",
        "native/named.cc",
        "native/readiness.cc",
        "native/room.cc",
        "native/socket.cc",
        "native/poller.cc"
      ],
      "include_dirs": ["<!(node -p \"require('node-addon-api').include_dir\")"],
      "defines": ["NAPI_VERSION=8", "NODE_ADDON_API_DISABLE_DEPRECATED"],
      "dependencies": [
        "<!(node -p \"require('node-addon-api').targets\"):node_addon_api"
      ],
      "cflags_cc": ["-std=c++17", "-Wall", "-Wextra", "-fvisibility=hidden"],
      "conditions": [
        ["OS!='linux'", { "type": "none", "sources!": ["native/addon.cc"] }]
      ]
    }
  ]
}
