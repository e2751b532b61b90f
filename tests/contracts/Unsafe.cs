// Mono has spans, and no System.Runtime.CompilerServices.Unsafe for others: Google.Protobuf takes it from a package of its own.
// Here are the calls of it that the runtime has, so that Debian's source of the runtime compiles with Debian's compiler.
using System;
using System.Runtime.InteropServices;

namespace Google.Protobuf
{
    internal static unsafe class Unsafe
    {
        public static void WriteUnaligned(ref byte to, float value)
        {
            fixed (byte* at = &to) *(float*)at = value;
        }

        public static T ReadUnaligned<T>(ref byte from) where T : struct
        {
            // No more than the size of T is read of it.
            fixed (byte* at = &from) return MemoryMarshal.Read<T>(new ReadOnlySpan<byte>(at, sizeof(ulong)));
        }

        public static ref byte As<TFrom, TTo>(ref char from)
        {
            fixed (char* at = &from) return ref *(byte*)at;
        }

        public static ref byte AddByteOffset(ref byte from, IntPtr offset)
        {
            fixed (byte* at = &from) return ref at[(long)offset];
        }

        public static ref char AddByteOffset(ref char from, IntPtr offset)
        {
            fixed (char* at = &from) return ref *(char*)((byte*)at + (long)offset);
        }

        public static ref byte Add(ref byte from, int count)
        {
            fixed (byte* at = &from) return ref at[count];
        }
    }
}
