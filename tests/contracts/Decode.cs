using System;
using System.IO;
using System.Net;
using System.Text;

using Google.Protobuf.Reflection;
using TicketRouter.V1;

/// <summary>Reads routed tickets in protobuf, each after its length, and writes one line of what it has read for each.</summary>
public static class Decode
{
    public static void Main(string[] args)
    {
        using (var output = new StreamWriter(Console.OpenStandardOutput(), new UTF8Encoding(false)) { NewLine = "\n" })
        using (var input = new BinaryReader(File.OpenRead(args[0])))
        {
            while (input.BaseStream.Position < input.BaseStream.Length)
            {
                var length = IPAddress.NetworkToHostOrder(input.ReadInt32());
                var routed = RoutedTicket.Parser.ParseFrom(input.ReadBytes(length));
                var decision = routed.Decision;
                output.WriteLine(string.Join("\t",
                    routed.Ticket.Id, routed.Ticket.CreatedAt == null ? 0 : routed.Ticket.CreatedAt.Seconds,
                    Name("Owner", (int)decision.Owner), decision.AssigneeId, decision.Rule,
                    Name("TriageReason", (int)decision.TriageReason), routed.Offer == null ? "" : routed.Offer.Title,
                    decision.Contacts.Count, decision.DecisionId));
            }
        }
    }

    /// <summary>The name that the contract gives the number; C# has one of its own.</summary>
    static string Name(string type, int number)
    {
        return Decision.Descriptor.FindDescriptor<EnumDescriptor>(type).FindValueByNumber(number).Name;
    }
}
